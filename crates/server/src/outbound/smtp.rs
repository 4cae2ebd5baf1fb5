//! Mail over SMTP.

use std::error::Error as _;
use std::fmt::Display;
use std::sync::OnceLock;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox as LettreMailbox, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Code;
use lettre::{Address, Message};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::{MailSender, OutboundMail, SendError, Sending};
use crate::config::{SmtpRelay, SmtpSecurity};

/// Time for connecting, TLS and authentication together.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// Time for one mail on an open connection; relays may scan it before they answer.
const SEND_LIMIT: Duration = Duration::from_secs(60);
/// Time for an open connection to prove that it still works.
const CHECK_LIMIT: Duration = Duration::from_secs(5);
/// Open connections that are kept for the next mail.
const IDLE_CONNECTIONS_MAX: usize = 4;
/// How long one is kept. Relays close theirs after some minutes.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// Hands mails to a relay.
///
/// Connections are kept for the next mail, so that a burst pays for TLS and authentication once. They are kept
/// here and not in the pool of the library, which would also keep one whose exchange was cut by a time limit: the
/// next mail would then take the late answer of the last one for its own.
pub struct SmtpSender {
    relay: SmtpRelay,
    /// The name the server greets the relay with.
    hello: ClientId,
    /// Made at the first mail: reading the certificates of the system takes a while.
    tls: OnceLock<TlsParameters>,
    idle: Mutex<Vec<IdleConnection>>,
}

struct IdleConnection {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl SmtpSender {
    /// Sends through a relay. Connects when there is a mail.
    pub fn new(relay: SmtpRelay) -> Self {
        SmtpSender { relay, hello: ClientId::default(), tls: OnceLock::new(), idle: Mutex::new(Vec::new()) }
    }

    async fn deliver(&self, mail: &OutboundMail) -> Result<(), SendError> {
        let message = compose(mail)?;
        let (envelope, bytes) = (message.envelope().clone(), message.formatted());
        if let Some(mut kept) = self.take_idle().await {
            match self.transmit(&mut kept, &envelope, &bytes).await {
                // The relay has closed a connection that was open for long; it has not taken the mail.
                Err(Failure::Answer(code)) if number(code) == 421 => {}
                outcome => return self.keep(kept, outcome),
            }
        }
        let mut fresh = match timeout(CONNECT_LIMIT, self.connect()).await {
            Ok(connected) => connected?,
            Err(_) => return Err(SendError::Temporary("the mail relay did not answer in time".to_owned())),
        };
        let outcome = self.transmit(&mut fresh, &envelope, &bytes).await;
        self.keep(fresh, outcome)
    }

    /// A connection that still works.
    async fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let IdleConnection { mut connection, since } = self.idle.lock().pop()?;
            if since.elapsed() > IDLE_LIMIT {
                continue;
            }
            if let Ok(true) = timeout(CHECK_LIMIT, connection.test_connected()).await {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose exchange is complete, and drops any other.
    fn keep(&self, connection: AsyncSmtpConnection, outcome: Result<(), Failure>) -> Result<(), SendError> {
        if outcome.is_ok() {
            let mut idle = self.idle.lock();
            if idle.len() < IDLE_CONNECTIONS_MAX {
                idle.push(IdleConnection { connection, since: Instant::now() });
            }
        }
        outcome.map_err(SendError::from)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let address = (self.relay.host.as_str(), self.relay.port);
        let tls = || -> Result<TlsParameters, SendError> {
            if let Some(tls) = self.tls.get() {
                return Ok(tls.clone());
            }
            let made =
                TlsParameters::builder(self.relay.host.clone()).build_rustls().map_err(not_connected)?;
            Ok(self.tls.get_or_init(|| made).clone())
        };
        let implicit = (self.relay.security == SmtpSecurity::Tls).then(tls).transpose()?;
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT_LIMIT), &self.hello, implicit, None)
                .await
                .map_err(not_connected)?;
        if self.relay.security == SmtpSecurity::StartTls {
            if !connection.can_starttls() {
                return Err(SendError::Temporary("the mail relay does not offer STARTTLS".to_owned()));
            }
            connection.starttls(tls()?, &self.hello).await.map_err(not_connected)?;
        }
        if let Some((user, password)) = &self.relay.credentials {
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .await
                .map_err(|error| not_authenticated(&error))?;
        }
        Ok(connection)
    }

    async fn transmit(
        &self,
        connection: &mut AsyncSmtpConnection,
        envelope: &Envelope,
        bytes: &[u8],
    ) -> Result<(), Failure> {
        match timeout(SEND_LIMIT, connection.send(envelope, bytes)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(match error.status() {
                Some(code) => Failure::Answer(code),
                // Before anything is sent the library checks what the relay supports.
                None if error.is_client() => Failure::Unsupported,
                None => Failure::Connection,
            }),
            Err(_) => Err(Failure::TimedOut),
        }
    }
}

impl MailSender for SmtpSender {
    fn send<'a>(&'a self, mail: &'a OutboundMail) -> Sending<'a> {
        Box::pin(self.deliver(mail))
    }
}

/// Why a mail was not taken over an open connection.
enum Failure {
    Answer(Code),
    Unsupported,
    Connection,
    TimedOut,
}

impl From<Failure> for SendError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Answer(code) => {
                let reason = format!("the mail relay answered {}", number(code));
                match number(code) {
                    // The relay refuses us and not the mail: it wants TLS, or credentials that the operator can
                    // correct (RFC 4954 §6).
                    530 | 534 | 535 | 538 => SendError::Temporary(reason),
                    500.. => SendError::Permanent(reason),
                    _ => SendError::Temporary(reason),
                }
            }
            Failure::Unsupported => SendError::Permanent(
                "the mail relay does not support the characters of the address".to_owned(),
            ),
            Failure::Connection => SendError::Temporary("the connection to the mail relay broke".to_owned()),
            Failure::TimedOut => SendError::Temporary("the mail relay did not answer in time".to_owned()),
        }
    }
}

fn number(code: Code) -> u16 {
    code.into()
}

/// Nothing was sent yet, so that trying again can always help.
fn not_connected(error: lettre::transport::smtp::Error) -> SendError {
    SendError::Temporary(match error.status() {
        Some(code) => format!("the mail relay answered {} to the greeting", number(code)),
        None if is_of_tls(&error) => {
            "no TLS with the mail relay; is its certificate valid and trusted?".to_owned()
        }
        None => "no connection to the mail relay".to_owned(),
    })
}

/// The library counts a failed handshake as a failed connection; what failed stands among the sources.
fn is_of_tls(error: &lettre::transport::smtp::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        let io_cause = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if cause.is::<rustls::Error>() || io_cause.is_some_and(|cause| cause.is::<rustls::Error>()) {
            return true;
        }
        source = cause.source();
    }
    error.is_tls()
}

fn not_authenticated(error: &lettre::transport::smtp::Error) -> SendError {
    SendError::Temporary(match error.status() {
        Some(code) => format!("the mail relay refused user and password with {}", number(code)),
        None if error.is_client() => "the mail relay offers no known way to log in".to_owned(),
        None => "the connection to the mail relay broke while logging in".to_owned(),
    })
}

/// The mail as it is sent: text and HTML as alternatives, marked as written by a machine (RFC 3834 §5), so that
/// absence notices do not answer it.
fn compose(mail: &OutboundMail) -> Result<Message, SendError> {
    let from = address("sender", &mail.from.address)?;
    let to = address("recipient", &mail.to)?;
    if mail.id.is_empty() || !mail.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(not_composed(&"its id does not fit a Message-ID"));
    }
    let message_id = format!("<{}@{}>", mail.id, from.domain());
    let raw = |name: &'static str, value: &str| {
        HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
    };
    let mut builder = Message::builder();
    if let Some(reply_to) = &mail.reply_to {
        let address = address("address for answers", &reply_to.address)?;
        builder = builder.reply_to(LettreMailbox::new(reply_to.name.as_deref().map(one_line), address));
    }
    builder
        .from(LettreMailbox::new(mail.from.name.as_deref().map(one_line), from))
        .to(LettreMailbox::new(None, to))
        .subject(one_line(&mail.subject))
        .message_id(Some(message_id))
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .raw_header(raw("X-Auto-Response-Suppress", "All"))
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|error| not_composed(&error))
}

/// Text without line breaks and other control characters, which have no place in a header; the library would stop
/// at them in names.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn address(whose: &str, text: &str) -> Result<Address, SendError> {
    text.parse()
        .map_err(|_| SendError::Permanent(format!("the address of the {whose} is not a mail address")))
}

fn not_composed(error: &dyn Display) -> SendError {
    SendError::Permanent(format!("the mail cannot be written: {error}"))
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
