//! What leaves the process: mail by SMTP, text messages and other requests by HTTP.
//!
//! Senders know nothing of the outbox. They take one message, say whether it was taken, and if not whether trying
//! again can help; [`next_attempt`] says when. A message may be sent twice when an answer was lost, so each carries
//! an id that stays the same (`Message-ID`, `Idempotency-Key`).
//!
//! All requests to addresses that somebody configured go through [`http_client`], which reaches public addresses
//! only.

mod breach;
mod client;
mod fetch;
mod network_guard;
mod retry;
mod sms;
mod smtp;

use std::pin::Pin;

pub use self::breach::{BreachFile, BreachRanges};
pub use self::client::{HttpClient, HttpError, HttpLimits, HttpRequest, http_client};
pub use self::fetch::HttpFetch;
pub use self::network_guard::is_public;
pub use self::retry::{ATTEMPTS_MAX, next_attempt, retry_after};
pub use self::sms::HttpSmsSender;
pub use self::smtp::SmtpSender;

/// A mail to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundMail {
    /// Identifies the mail, the same for every attempt: letters, digits and `-`. Becomes the left side of its
    /// `Message-ID`.
    pub id: String,
    /// Address of the recipient.
    pub to: String,
    /// Sender.
    pub from: Mailbox,
    /// Where answers go; to the sender when absent.
    pub reply_to: Option<Mailbox>,
    /// Subject, any text.
    pub subject: String,
    /// The mail as plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// An address with the name of who is behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Address, `no-reply@example.com`.
    pub address: String,
    /// Name, any text.
    pub name: Option<String>,
}

/// A text message to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundSms {
    /// Identifies the message; the same for every attempt.
    pub id: String,
    /// Phone number of the recipient, E.164: `+12025550162`.
    pub to: String,
    /// The message.
    pub text: String,
}

/// Why a message was not taken. The texts go to logs and carry no addresses, no credentials, and nothing that the
/// other side wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// Trying again can help.
    Temporary(String),
    /// It will never be taken.
    Permanent(String),
}

/// The outcome of sending, to come.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>;

/// Sends mail.
pub trait MailSender: Send + Sync {
    /// Hands a mail to the next server. Ends after at most two and a half minutes, whatever the other side does.
    fn send<'a>(&'a self, mail: &'a OutboundMail) -> Sending<'a>;
}

/// Sends text messages.
pub trait SmsSender: Send + Sync {
    /// Hands a message to a provider, within the time limits of the HTTP client.
    fn send<'a>(&'a self, sms: &'a OutboundSms) -> Sending<'a>;
}
