//! The built-in mails: subject, plain text and HTML in every language (spec 01d §6, §7).
//!
//! ```text
//! render(Template::Login, Locale::En, &Context { organization_name: Some("Northwind Freight"), … })
//!     subject  Sign in to Northwind Freight
//!     text     title, body, "Sign in:" and the link, what to do if it was not you, why this mail came
//!     html     the same with a button, the address below it, and a line for the list of mails
//! ```
//!
//! The HTML is made for mail programs, not for browsers: tables and inline styles, one column of 600 px, a button
//! that Outlook draws too, dark mode by media query and by the attributes of Outlook's apps, no image and nothing
//! that is loaded from elsewhere. Every value is escaped; names stay on one line and never become links (see
//! `words`). Which template goes out for which call is the caller's decision (spec 01d §7).

mod body;
pub mod custom;
mod en;
mod es;
mod fr;
mod html_scan;
mod pt_br;
mod sentence;
mod strings;
mod style;

use ostiary_core::email_template::TemplateType;
use ostiary_core::locale::Locale;

use self::body::Body;
use self::sentence::Values;
use self::strings::{CodeLetter, LinkLetter, Strings};
pub use self::style::Style;
use crate::words;

/// Longest subject, in characters; longer ones end in an ellipsis.
const SUBJECT_CHARS_MAX: usize = 140;

/// The occasions on which a mail goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Template {
    /// Sign-in link of an organization, for an active member.
    Login,
    /// Sign-up link of an organization, for a new, pending or invited member.
    Signup,
    /// Invitation to an organization.
    Invite,
    /// Sign-in link before an organization is chosen.
    DiscoveryLogin,
    /// Sign-in code of an organization, for an active member.
    OneTimePasscode,
    /// Sign-in code of an organization, for a new, pending or invited member.
    OneTimePasscodeSignup,
    /// Sign-in code before an organization is chosen.
    DiscoveryOneTimePasscode,
    /// Link that confirms a member's new address.
    EmailUpdateLink,
    /// Code that confirms a member's new address.
    EmailUpdateCode,
    /// Password reset.
    ResetPassword,
    /// First password of a member whose address is not confirmed yet.
    VerifyEmailPasswordReset,
    /// Way out of a lock after too many failed sign-ins.
    Unlock,
}

impl Template {
    /// Every template.
    pub const ALL: [Template; 12] = [
        Template::Login,
        Template::Signup,
        Template::Invite,
        Template::DiscoveryLogin,
        Template::OneTimePasscode,
        Template::OneTimePasscodeSignup,
        Template::DiscoveryOneTimePasscode,
        Template::EmailUpdateLink,
        Template::EmailUpdateCode,
        Template::ResetPassword,
        Template::VerifyEmailPasswordReset,
        Template::Unlock,
    ];

    /// The template type (spec 01d §7). Discovery and changes of address have no type of their
    /// own: they use that of a sign-in.
    pub fn template_type(self) -> TemplateType {
        match self {
            Template::Login | Template::DiscoveryLogin | Template::EmailUpdateLink => TemplateType::Login,
            Template::Signup => TemplateType::Signup,
            Template::Invite => TemplateType::Invite,
            Template::OneTimePasscode | Template::DiscoveryOneTimePasscode | Template::EmailUpdateCode => {
                TemplateType::OneTimePasscode
            }
            Template::OneTimePasscodeSignup => TemplateType::OneTimePasscodeSignup,
            Template::ResetPassword => TemplateType::ResetPassword,
            Template::VerifyEmailPasswordReset => TemplateType::VerifyEmailPasswordReset,
            Template::Unlock => TemplateType::Unlock,
        }
    }

    /// The mail by which a template type is shown to its author; a look is shown by a sign-in.
    pub fn of_type(kind: TemplateType) -> Template {
        match kind {
            TemplateType::Login | TemplateType::Prebuilt => Template::Login,
            TemplateType::Signup => Template::Signup,
            TemplateType::Invite => Template::Invite,
            TemplateType::OneTimePasscode => Template::OneTimePasscode,
            TemplateType::OneTimePasscodeSignup => Template::OneTimePasscodeSignup,
            TemplateType::ResetPassword => Template::ResetPassword,
            TemplateType::VerifyEmailPasswordReset => Template::VerifyEmailPasswordReset,
            TemplateType::Unlock => Template::Unlock,
        }
    }

    /// Whether the mail carries [`Context::code`]; the others carry [`Context::url`].
    pub fn has_code(self) -> bool {
        matches!(
            self,
            Template::OneTimePasscode
                | Template::OneTimePasscodeSignup
                | Template::DiscoveryOneTimePasscode
                | Template::EmailUpdateCode
        )
    }

    /// Whether the mail speaks for the project because no organization is chosen yet.
    fn is_discovery(self) -> bool {
        matches!(self, Template::DiscoveryLogin | Template::DiscoveryOneTimePasscode)
    }
}

/// What a mail says besides its own words. All values may come from outside; none needs to be escaped.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Name of the project, which stands for the app. Discovery mails speak in its name.
    pub app_name: &'a str,
    /// Name of the organization; without one the mail speaks in the project's name.
    pub organization_name: Option<&'a str>,
    /// Name of the member who invited; without one an invitation names nobody.
    pub invited_by_name: Option<&'a str>,
    /// The address that the mail goes to.
    pub email_address: &'a str,
    /// The link of a mail with a button.
    pub url: Option<&'a str>,
    /// In password mails: a link that signs in without a password.
    pub secondary_url: Option<&'a str>,
    /// The code of a mail with a code.
    pub code: Option<&'a str>,
    /// Minutes until link or code expires.
    pub expires_in_minutes: u32,
}

/// A mail ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line without control characters, at most 140 characters.
    pub subject: String,
    /// The plain text part: lines of at most 72 characters (links may be longer), ended by `\n`.
    pub text: String,
    /// The HTML part: a whole document.
    pub html: String,
}

/// Writes the mail of a template.
///
/// # Panics
/// When a mail with a code is rendered without [`Context::code`], or one with a button without [`Context::url`]:
/// the caller made the code or link for this very mail.
pub fn render(template: Template, locale: Locale, context: &Context<'_>) -> Mail {
    render_with(template, locale, context, &Style::default())
}

/// Like [`render`], in a look of the project's own.
///
/// # Panics
/// As [`render`].
pub fn render_with(template: Template, locale: Locale, context: &Context<'_>, style: &Style) -> Mail {
    let strings = Strings::of(locale);
    let inviter = context.invited_by_name.map(words::one_line).filter(|name| !name.is_empty());
    let place = match context.organization_name {
        Some(organization) if !template.is_discovery() => organization,
        _ => context.app_name,
    };
    let values = Values {
        place: place.to_owned(),
        inviter: inviter.clone().unwrap_or_default(),
        email: words::one_line(context.email_address),
        expiry: strings.durations.say(context.expires_in_minutes),
        code: context.code.map(words::one_line).unwrap_or_default(),
    };
    let words = Words { locale, strings, values: &values, style };
    let link = |letter| link_mail(&words, letter, context);
    let code = |letter| code_mail(&words, letter, context);
    match template {
        Template::Login => link(&strings.login),
        Template::Signup => link(&strings.signup),
        Template::Invite if inviter.is_some() => link(&strings.invite),
        Template::Invite => link(&strings.invite_unsigned),
        Template::DiscoveryLogin => link(&strings.discovery_login),
        Template::OneTimePasscode | Template::DiscoveryOneTimePasscode => code(&strings.code),
        Template::OneTimePasscodeSignup => code(&strings.code_signup),
        Template::EmailUpdateLink => link(&strings.email_update_link),
        Template::EmailUpdateCode => code(&strings.email_update_code),
        Template::ResetPassword => link(&strings.reset_password),
        Template::VerifyEmailPasswordReset => link(&strings.verify_email),
        Template::Unlock => link(&strings.unlock),
    }
}

/// What all mails are made with.
struct Words<'a> {
    locale: Locale,
    strings: &'a Strings,
    values: &'a Values,
    style: &'a Style,
}

fn link_mail(words: &Words<'_>, letter: &LinkLetter, context: &Context<'_>) -> Mail {
    let strings = words.strings;
    let url = context.url.expect("a mail with a button is rendered with its link");
    let mut body = Body::new(words.values, words.style);
    body.title(letter.title);
    body.paragraph(letter.body);
    body.button(letter.button, url, strings.fallback);
    if let Some(url) = context.secondary_url {
        body.question_with_link(strings.passwordless_question, strings.passwordless_link, url);
    }
    body.note(letter.note);
    finish(words, letter.subject, letter.preheader, body)
}

fn code_mail(words: &Words<'_>, letter: &CodeLetter, context: &Context<'_>) -> Mail {
    assert!(context.code.is_some(), "a mail with a code is rendered with its code");
    let mut body = Body::new(words.values, words.style);
    body.title(letter.title);
    body.paragraph(letter.body);
    body.code(&words.values.code);
    body.paragraph(letter.expiry);
    body.note(letter.note);
    finish(words, letter.subject, letter.preheader, body)
}

fn finish(words: &Words<'_>, subject: &str, preheader: &str, body: Body<'_>) -> Mail {
    let subject = words::shorten(&sentence::subject(subject, words.values), SUBJECT_CHARS_MAX);
    let (text, html) = body.finish(words.locale, &subject, preheader, words.strings.foot);
    Mail { subject, text, html }
}

#[cfg(test)]
mod tests;
