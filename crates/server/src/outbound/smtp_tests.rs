use std::collections::VecDeque;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::transport::smtp::client::{Certificate, CertificateStore};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::Secret;
use crate::outbound::Mailbox;

/// What a relay was told, as seen by its tests.
#[derive(Default)]
struct Seen {
    connections: usize,
    /// Commands of all connections, without the mails.
    commands: Vec<String>,
    mails: Vec<String>,
}

/// A relay for tests: one scripted answer per matching command, success otherwise.
struct Relay {
    port: u16,
    seen: Arc<Mutex<Seen>>,
    certificate: Option<String>,
}

#[derive(Clone, Default)]
struct Script {
    /// Extensions that are offered.
    extensions: Vec<&'static str>,
    /// Answers to commands that start with a word, each used once, in order. `.` is the end of a mail; an empty
    /// answer closes the connection.
    answers: Arc<Mutex<VecDeque<(&'static str, &'static str)>>>,
    tls: Option<TlsAcceptor>,
    /// TLS from the first byte.
    is_implicit: bool,
}

impl Script {
    fn answering(answers: &[(&'static str, &'static str)]) -> Self {
        Script { answers: Arc::new(Mutex::new(answers.iter().copied().collect())), ..Script::default() }
    }

    fn answer(&self, command: &str) -> Option<&'static str> {
        let mut answers = self.answers.lock();
        let at = answers.iter().position(|(word, _)| command.starts_with(word))?;
        answers.remove(at).map(|(_, answer)| answer)
    }

    fn with_tls(mut self, is_implicit: bool) -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        self.tls = Some(TlsAcceptor::from(Arc::new(config)));
        self.is_implicit = is_implicit;
        (self, made.cert.pem())
    }
}

async fn relay(script: Script) -> Relay {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let told = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            told.lock().connections += 1;
            let (script, seen) = (script.clone(), Arc::clone(&told));
            tokio::spawn(async move {
                if script.is_implicit {
                    let tls = script.tls.clone().unwrap();
                    let Ok(stream) = tls.accept(socket).await else { return };
                    converse(BufReader::new(stream), &script, &seen, true).await;
                } else {
                    let Some(socket) = converse(BufReader::new(socket), &script, &seen, true).await else {
                        return;
                    };
                    let tls = script.tls.clone().unwrap();
                    let Ok(stream) = tls.accept(socket.into_inner()).await else { return };
                    converse(BufReader::new(stream), &script, &seen, false).await;
                }
            });
        }
    });
    Relay { port, seen, certificate: None }
}

/// Speaks SMTP until the other side leaves (`None`) or wants TLS.
async fn converse<T: AsyncRead + AsyncWrite + Unpin>(
    mut stream: BufReader<T>,
    script: &Script,
    seen: &Mutex<Seen>,
    greets: bool,
) -> Option<BufReader<T>> {
    if greets {
        let greeting = script.answer("greeting").unwrap_or("220 relay.example.com");
        stream.write_all(format!("{greeting}\r\n").as_bytes()).await.ok()?;
    }
    loop {
        let command = read_line(&mut stream).await?;
        seen.lock().commands.push(command.clone());
        let scripted = script.answer(&command);
        let answer = match command.split(' ').next().unwrap_or("") {
            _ if scripted.is_some() => scripted.unwrap_or("").to_owned(),
            "EHLO" => {
                let lines = ["relay.example.com"].iter().chain(&script.extensions);
                let lines: Vec<String> = lines.map(|line| format!("250-{line}")).collect();
                lines.join("\r\n") + "\r\n250 SIZE 1000000"
            }
            "STARTTLS" => {
                stream.write_all(b"220 go ahead\r\n").await.ok()?;
                return Some(stream);
            }
            "AUTH" => "235 welcome".to_owned(),
            "DATA" => {
                stream.write_all(b"354 go ahead\r\n").await.ok()?;
                let mut mail = String::new();
                loop {
                    match read_line(&mut stream).await?.as_str() {
                        "." => break,
                        line => mail += &format!("{line}\n"),
                    }
                }
                let answer = script.answer(".").unwrap_or("250 taken").to_owned();
                if answer.starts_with('2') {
                    seen.lock().mails.push(mail);
                }
                answer
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
        if answer.is_empty() {
            return None;
        }
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
}

async fn read_line<T: AsyncRead + Unpin>(stream: &mut BufReader<T>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|count| *count > 0)?;
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}

impl Relay {
    fn sender_with(&self, security: SmtpSecurity, credentials: Option<(&str, &str)>) -> SmtpSender {
        let credentials =
            credentials.map(|(user, password)| (user.to_owned(), Secret::new(password.to_owned())));
        let sender = SmtpSender::new(SmtpRelay {
            host: "localhost".to_owned(),
            port: self.port,
            security,
            credentials,
        });
        if let Some(pem) = &self.certificate {
            let tls = TlsParameters::builder("localhost".to_owned())
                .certificate_store(CertificateStore::None)
                .add_root_certificate(Certificate::from_pem(pem.as_bytes()).unwrap())
                .build_rustls()
                .unwrap();
            assert!(sender.tls.set(tls).is_ok());
        }
        sender
    }

    fn sender(&self) -> SmtpSender {
        self.sender_with(SmtpSecurity::None, None)
    }

    fn commands(&self) -> Vec<String> {
        self.seen.lock().commands.clone()
    }

    fn mails(&self) -> Vec<String> {
        self.seen.lock().mails.clone()
    }

    fn connections(&self) -> usize {
        self.seen.lock().connections
    }
}

fn mail() -> OutboundMail {
    OutboundMail {
        id: "018f-1".to_owned(),
        to: "ada@example.org".to_owned(),
        from: Mailbox { address: "no-reply@example.com".to_owned(), name: Some("Café".to_owned()) },
        reply_to: None,
        subject: "Sign in to Café".to_owned(),
        text: "Your code is 123456.\n.\nGrüße".to_owned(),
        html: "<p>Your code is <b>123456</b>.</p>".to_owned(),
    }
}

/// The value of a header, unfolded; panics when it is there twice.
fn header(mail: &str, name: &str) -> String {
    let head = mail.split("\n\n").next().unwrap().replace("\n ", " ").replace("\n\t", " ");
    let prefix = format!("{}:", name.to_lowercase());
    let values: Vec<&str> = head
        .lines()
        .filter(|line| line.to_lowercase().starts_with(&prefix))
        .map(|l| &l[prefix.len()..])
        .collect();
    assert_eq!(values.len(), 1, "{name} in {head}");
    values[0].trim().to_owned()
}

fn permanent(reason: &str) -> Result<(), SendError> {
    Err(SendError::Permanent(reason.to_owned()))
}

fn temporary(reason: &str) -> Result<(), SendError> {
    Err(SendError::Temporary(reason.to_owned()))
}

#[tokio::test]
async fn mail_arrives_as_text_and_html_and_says_that_a_machine_wrote_it() {
    let relay = relay(Script::default()).await;
    relay.sender().send(&mail()).await.unwrap();
    let commands = relay.commands();
    assert_eq!(commands[1..], ["MAIL FROM:<no-reply@example.com>", "RCPT TO:<ada@example.org>", "DATA"]);
    let [mail] = &relay.mails()[..] else { panic!("one mail") };
    assert_eq!(header(mail, "From"), "=?utf-8?b?Q2Fmw6k=?= <no-reply@example.com>");
    assert_eq!(header(mail, "To"), "ada@example.org");
    assert_eq!(header(mail, "Message-ID"), "<018f-1@example.com>");
    assert_eq!(header(mail, "Auto-Submitted"), "auto-generated");
    assert!(header(mail, "Content-Type").starts_with("multipart/alternative;"));
    assert!(header(mail, "Date").ends_with("+0000"));
    assert!(mail.is_ascii(), "sent to relays that know ASCII only");
    // Text first: of alternatives the last one is the best (RFC 2046 §5.1.4).
    let (text, html) = (mail.find("text/plain").unwrap(), mail.find("text/html").unwrap());
    assert!(text < html);
    assert!(mail.contains("Gr=C3=BC=C3=9Fe") && mail.contains("<b>123456</b>"), "{mail}");
}

#[tokio::test]
async fn no_text_can_add_a_header_or_a_recipient() {
    let relay = relay(Script::default()).await;
    let mut evil = mail();
    evil.subject = "hello\r\nBcc: eve@example.net\r\n\r\nbody".to_owned();
    evil.from.name = Some("Café\r\nBcc: eve@example.net".to_owned());
    relay.sender().send(&evil).await.unwrap();
    let sent = relay.mails().remove(0);
    let head = sent.split("\n\n").next().unwrap();
    assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc")), "{head}");
    assert_eq!(header(&sent, "To"), "ada@example.org");

    for to in [
        "ada@example.org, eve@example.net",
        "ada@example.org\r\nRCPT TO:<eve@example.net>",
        "<ada@example.org>",
        "",
    ] {
        let outcome = relay.sender().send(&OutboundMail { to: to.to_owned(), ..mail() }).await;
        assert_eq!(outcome, permanent("the address of the recipient is not a mail address"), "{to:?}");
    }
    for id in ["", "a b", "a>\r\nBcc: eve@example.net"] {
        let outcome = relay.sender().send(&OutboundMail { id: id.to_owned(), ..mail() }).await;
        assert_eq!(outcome, permanent("the mail cannot be written: its id does not fit a Message-ID"));
    }
    assert_eq!(relay.mails().len(), 1);
}

#[test]
fn every_name_and_subject_can_be_written() {
    for text in [
        "",
        " ",
        "\"",
        "\\",
        "a\"b\\c",
        "<a@b>",
        "a,b;c:d",
        "(x)",
        "\0\u{7f}\u{85}",
        "\u{2028}",
        "=?utf-8?b?x?=",
        "名前",
        "🔑🔑",
        "\u{202e}evil",
    ] {
        for text in [text.to_owned(), text.repeat(300)] {
            let from = Mailbox { name: Some(text.clone()), ..mail().from };
            let formatted =
                compose(&OutboundMail { subject: text.clone(), from, ..mail() }).unwrap().formatted();
            let written = String::from_utf8(formatted).unwrap().replace("\r\n", "\n");
            assert!(header(&written, "From").ends_with("<no-reply@example.com>"), "{text:?}: {written}");
            header(&written, "Subject");
        }
    }
}

#[tokio::test]
async fn answers_say_whether_trying_again_can_help_and_only_their_number_is_told() {
    let temporary = |code: u16| temporary(&format!("the mail relay answered {code}"));
    let permanent = |code: u16| permanent(&format!("the mail relay answered {code}"));
    for (command, answer, outcome) in [
        ("MAIL", "451 4.3.0 ada@example.org later", temporary(451)),
        ("RCPT", "450 4.2.1 <ada@example.org> greylisted", temporary(450)),
        ("RCPT", "550 5.1.1 <ada@example.org> unknown", permanent(550)),
        ("RCPT", "552 5.2.2 full", permanent(552)),
        ("DATA", "421 4.3.2 closing", temporary(421)),
        ("DATA", "554 5.5.1 no", permanent(554)),
        (".", "452 4.3.1 no space", temporary(452)),
        (".", "550 5.7.1 spam", permanent(550)),
        ("MAIL", "530 5.7.0 must issue STARTTLS", temporary(530)),
        ("MAIL", "535 5.7.8 who are you", temporary(535)),
    ] {
        let relay = relay(Script::answering(&[(command, answer)])).await;
        assert_eq!(relay.sender().send(&mail()).await, outcome, "{command} {answer}");
        assert!(relay.mails().is_empty());
    }
}

#[tokio::test]
async fn greeting_that_refuses_is_temporary() {
    for answer in ["421 busy", "554 no service"] {
        let relay = relay(Script::answering(&[("greeting", answer)])).await;
        let reason = format!("the mail relay answered {} to the greeting", &answer[..3]);
        assert_eq!(relay.sender().send(&mail()).await, temporary(&reason));
    }
}

#[tokio::test]
async fn connection_is_kept_for_the_next_mail() {
    let relay = relay(Script::default()).await;
    let sender = relay.sender();
    for _ in 0..3 {
        sender.send(&mail()).await.unwrap();
    }
    assert_eq!((relay.connections(), relay.mails().len()), (1, 3));
}

#[tokio::test]
async fn connection_is_not_kept_after_a_failure() {
    let relay = relay(Script::answering(&[("RCPT", "550 unknown")])).await;
    let sender = relay.sender();
    assert_eq!(sender.send(&mail()).await, permanent("the mail relay answered 550"));
    sender.send(&mail()).await.unwrap();
    assert_eq!((relay.connections(), relay.mails().len()), (2, 1));
}

#[tokio::test]
async fn kept_connection_that_the_relay_has_closed_costs_no_mail() {
    for script in [
        &[("NOOP", "")][..],
        &[("NOOP", "421 idle for too long")],
        &[("MAIL", "250 ok"), ("MAIL", "421 enough")],
    ] {
        let relay = relay(Script::answering(script)).await;
        let sender = relay.sender();
        sender.send(&mail()).await.unwrap();
        sender.send(&mail()).await.unwrap();
        assert_eq!((relay.connections(), relay.mails().len()), (2, 2), "{script:?}");
    }
}

#[tokio::test]
async fn lost_connection_is_temporary() {
    for command in ["EHLO", "MAIL", "DATA", "."] {
        let relay = relay(Script::answering(&[(command, "")])).await;
        let outcome = relay.sender().send(&mail()).await;
        assert!(matches!(outcome, Err(SendError::Temporary(_))), "{command}: {outcome:?}");
    }
    let closed = Relay { port: 1, seen: Arc::default(), certificate: None };
    assert_eq!(closed.sender().send(&mail()).await, temporary("no connection to the mail relay"));
}

#[tokio::test(start_paused = true)]
async fn relay_that_says_nothing_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = Relay { port, seen: Arc::default(), certificate: None };
    let start = Instant::now();
    assert_eq!(silent.sender().send(&mail()).await, temporary("the mail relay did not answer in time"));
    assert!(start.elapsed() <= CONNECT_LIMIT + Duration::from_secs(1));
}

#[tokio::test]
async fn starttls_is_required_before_anything_is_said() {
    let plain = relay(Script::default()).await;
    let outcome = plain.sender_with(SmtpSecurity::StartTls, Some(("ada", "hunter2"))).send(&mail()).await;
    assert_eq!(outcome, temporary("the mail relay does not offer STARTTLS"));
    assert!(plain.commands().iter().all(|command| command.starts_with("EHLO") || command == "QUIT"));

    let (script, certificate) = Script { extensions: vec!["STARTTLS"], ..Script::default() }.with_tls(false);
    let mut trusted = relay(script.clone()).await;
    trusted.certificate = Some(certificate);
    trusted.sender_with(SmtpSecurity::StartTls, None).send(&mail()).await.unwrap();
    let commands = trusted.commands();
    assert_eq!(commands[1], "STARTTLS");
    assert!(commands[2].starts_with("EHLO") && trusted.mails().len() == 1);

    let mut untrusted = relay(script).await;
    untrusted.certificate = Some(Script::default().with_tls(false).1);
    let outcome = untrusted.sender_with(SmtpSecurity::StartTls, None).send(&mail()).await;
    assert_eq!(outcome, temporary("no TLS with the mail relay; is its certificate valid and trusted?"));
    assert!(untrusted.mails().is_empty());
}

#[tokio::test]
async fn tls_from_the_first_byte_works() {
    let (script, certificate) = Script::default().with_tls(true);
    let mut relay = relay(script).await;
    relay.certificate = Some(certificate);
    relay.sender_with(SmtpSecurity::Tls, None).send(&mail()).await.unwrap();
    assert_eq!(relay.mails().len(), 1);
}

#[tokio::test]
async fn credentials_are_given_and_their_refusal_is_temporary() {
    let extensions = vec!["AUTH PLAIN LOGIN"];
    let accepting = relay(Script { extensions: extensions.clone(), ..Script::default() }).await;
    let credentials = Some(("ada", "hunter2"));
    accepting.sender_with(SmtpSecurity::None, credentials).send(&mail()).await.unwrap();
    assert_eq!(accepting.commands()[1], format!("AUTH PLAIN {}", STANDARD.encode("\0ada\0hunter2")));

    let refusing = Script { extensions, ..Script::answering(&[("AUTH", "535 5.7.8 ada hunter2")]) };
    let outcome = relay(refusing).await.sender_with(SmtpSecurity::None, credentials).send(&mail()).await;
    assert_eq!(outcome, temporary("the mail relay refused user and password with 535"));

    let offering_none = relay(Script::default()).await;
    let outcome = offering_none.sender_with(SmtpSecurity::None, credentials).send(&mail()).await;
    assert_eq!(outcome, temporary("the mail relay offers no known way to log in"));
}

#[tokio::test]
async fn address_beyond_ascii_needs_a_relay_that_knows_it() {
    let beyond = OutboundMail { to: "ädä@example.org".to_owned(), ..mail() };
    let old = relay(Script::default()).await;
    let reason = "the mail relay does not support the characters of the address";
    assert_eq!(old.sender().send(&beyond).await, permanent(reason));

    let new = relay(Script { extensions: vec!["SMTPUTF8", "8BITMIME"], ..Script::default() }).await;
    new.sender().send(&beyond).await.unwrap();
    assert_eq!(new.mails().len(), 1);
}
