//! A mail relay that keeps what it is given.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A relay on a port of its own, until the tests end.
pub struct Relay {
    pub url: String,
    mails: Arc<Mutex<Vec<Mail>>>,
}

#[derive(Clone)]
pub struct Mail {
    /// The Message-ID, which is that of the outbox message.
    pub id: String,
    pub to: String,
    /// The mail as it was sent.
    pub text: String,
}

impl Relay {
    /// Takes its time for each mail, as real ones do.
    pub fn start(takes: Duration) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("smtp://{}?tls=none", socket.local_addr().expect("an address"));
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = mails.clone();
        thread::spawn(move || {
            for stream in socket.incoming().map_while(Result::ok) {
                let kept = kept.clone();
                // A connection that breaks is the sender's business.
                thread::spawn(move || serve(stream, &kept, takes));
            }
        });
        Relay { url, mails }
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().expect("no panic").clone()
    }

    /// The six-digit code that was sent to an address.
    pub fn code_for(&self, address: &str) -> Option<String> {
        let mail = self.mails().into_iter().find(|mail| mail.to == address)?;
        let body = mail.text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())?;
        body.split(|c: char| !c.is_ascii_alphanumeric())
            .find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit()))
            .map(str::to_owned)
    }
}

fn serve(stream: TcpStream, kept: &Mutex<Vec<Mail>>, takes: Duration) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let answer = |text: &str| (&stream).write_all(format!("{text}\r\n").as_bytes()).ok();
    answer("220 relay")?;
    let mut to = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let command = line.to_ascii_uppercase();
        if command.starts_with("EHLO") {
            answer("250-relay\r\n250 8BITMIME")?;
        } else if command.starts_with("RCPT") {
            to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            answer("250 ok")?;
        } else if command.starts_with("DATA") {
            answer("354 go on")?;
            let mut text = String::new();
            while !text.ends_with("\r\n.\r\n") {
                reader.read_line(&mut text).ok()?;
            }
            thread::sleep(takes);
            let id = text.lines().find_map(|line| line.strip_prefix("Message-ID: "));
            let id = id.unwrap_or_default().to_owned();
            kept.lock().ok()?.push(Mail { id, to: to.clone(), text });
            answer("250 taken")?;
        } else if command.starts_with("QUIT") {
            return answer("221 bye");
        } else {
            answer("250 ok")?;
        }
    }
}
