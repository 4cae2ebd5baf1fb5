//! Writing mails and text messages into the outbox. They are rendered when they are written, so that what was promised
//! is what is sent, and sealed, because they have live links and codes in them.

use crate::cx::{Cx, Result};
use ostiary_core::email_template::{Sender, TemplateType};
use ostiary_core::error::Error;
use ostiary_core::locale::{Locale, SmsLocale};
use ostiary_pages::mail::{self, Context, Template};
use ostiary_pages::sms;
use ostiary_proto::random;
use ostiary_store::outbox::{self, OutboxMessage};
use ostiary_store::seam::Db;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A mail.
    Email,
    /// A text message.
    Sms,
}

/// A message as the outbox holds it (sealed) and the development inbox shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// How it travels.
    pub channel: Channel,
    /// The address or number.
    pub to: String,
    /// The name that it comes from.
    pub from_name: String,
    /// The address that it comes from; that of the server's configuration when absent.
    #[serde(default)]
    pub from_address: Option<String>,
    /// Where answers go, address and name, when that is not where it comes from.
    #[serde(default)]
    pub reply_to: Option<(String, String)>,
    /// The subject; empty for text messages.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The HTML; empty for text messages.
    pub html: String,
    /// The links that a person is meant to follow.
    pub links: Vec<String>,
    /// The code that a person is meant to enter.
    pub code: Option<String>,
    /// The kind of template (spec 01d §7).
    pub template_type: String,
}

/// How a call wants its mails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailWishes {
    /// The language.
    pub locale: Locale,
    /// For mails of a type, the template of the project that the call names.
    pub templates: Vec<(TemplateType, String)>,
}

impl MailWishes {
    fn template(&self, kind: TemplateType) -> Option<&str> {
        self.templates.iter().find(|(known, _)| *known == kind).map(|(_, id)| id.as_str())
    }
}

/// What a mail says.
pub struct Letter<'a> {
    /// Which text.
    pub template: Template,
    /// How the call wants it.
    pub wishes: &'a MailWishes,
    /// To whom.
    pub to: &'a str,
    /// The organization that it is about.
    pub organization_name: Option<&'a str>,
    /// Who invited the recipient.
    pub invited_by_name: Option<&'a str>,
    /// The link to follow.
    pub link: Option<&'a str>,
    /// The code to enter.
    pub code: Option<&'a str>,
    /// For how long link or code are good, in minutes. The mail is not sent any more after that time.
    pub expires_in_minutes: i64,
}

/// The context under which messages are sealed.
pub fn seal_context(message_id: Uuid) -> String {
    format!("outbox message {message_id}")
}

/// Renders a mail and puts it into the outbox.
pub async fn post(tx: &Db, cx: &Cx, letter: Letter<'_>) -> Result<()> {
    post_letter(tx, cx, letter, None).await
}

/// Like [`post`], for a mail that also offers a way to sign in without a password.
pub async fn post_with_second_link(
    tx: &Db,
    cx: &Cx,
    letter: Letter<'_>,
    passwordless_link: &str,
) -> Result<()> {
    post_letter(tx, cx, letter, Some(passwordless_link)).await
}

async fn post_letter(tx: &Db, cx: &Cx, letter: Letter<'_>, passwordless_link: Option<&str>) -> Result<()> {
    let app_name = cx.project.environment.name.as_str();
    let context = Context {
        app_name,
        organization_name: letter.organization_name,
        invited_by_name: letter.invited_by_name,
        email_address: letter.to,
        url: letter.link,
        secondary_url: passwordless_link,
        code: letter.code,
        expires_in_minutes: u32::try_from(letter.expires_in_minutes).unwrap_or(u32::MAX),
    };
    let kind = letter.template.template_type();
    let chosen = cx.project.email_templates.choose(letter.wishes.template(kind), kind);
    let locale = letter.wishes.locale;
    let rendered = match chosen {
        Some(template) => template.render(letter.template, locale, &context),
        None => mail::render(letter.template, locale, &context),
    };
    let from_name = chosen
        .and_then(|template| template.from_name())
        .or(cx.app.options.mail_from_name.as_deref())
        .unwrap_or(app_name)
        .to_owned();
    let pair = |sender: Sender| (sender.address, sender.name);
    let message = Message {
        channel: Channel::Email,
        to: letter.to.to_owned(),
        from_name,
        from_address: chosen.and_then(|template| template.from()).map(|sender| sender.address),
        reply_to: chosen.and_then(|template| template.reply_to()).map(pair),
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        links: letter.link.into_iter().chain(passwordless_link).map(str::to_owned).collect(),
        code: letter.code.map(str::to_owned),
        template_type: kind.to_string(),
    };
    enqueue(tx, cx, &message, letter.expires_in_minutes).await
}

/// Puts a text message with a code into the outbox.
pub async fn post_text(
    tx: &Db,
    cx: &Cx,
    to: &str,
    locale: SmsLocale,
    code: &str,
    expires_in_minutes: i64,
) -> Result<()> {
    let app_name = cx.project.environment.name.as_str();
    let minutes = u32::try_from(expires_in_minutes).unwrap_or(u32::MAX);
    let message = Message {
        channel: Channel::Sms,
        to: to.to_owned(),
        from_name: app_name.to_owned(),
        from_address: None,
        reply_to: None,
        subject: String::new(),
        text: sms::one_time_code(locale, app_name, code, minutes),
        html: String::new(),
        links: Vec::new(),
        code: Some(code.to_owned()),
        template_type: "ONE_TIME_PASSCODE".to_owned(),
    };
    enqueue(tx, cx, &message, expires_in_minutes).await
}

async fn enqueue(tx: &Db, cx: &Cx, message: &Message, expires_in_minutes: i64) -> Result<()> {
    let message_id = random::uuid(cx.app.random.as_ref());
    let plain = serde_json::to_vec(message).map_err(Error::internal)?;
    let payload = cx.app.master_key.seal(&seal_context(message_id), &plain, cx.app.random.as_ref());
    let row = OutboxMessage {
        message_id,
        env: cx.scope().env,
        payload,
        attempts: 0,
        created_at: cx.now,
        expires_at: cx.now.plus_minutes(expires_in_minutes),
    };
    Ok(outbox::insert(tx, &row).await?)
}
