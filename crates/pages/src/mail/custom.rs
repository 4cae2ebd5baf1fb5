//! Mails that a project words itself: HTML, plain text and a subject with variables in them (spec 01d §7).
//!
//! ```text
//! parse(TemplateType::Login, …, "<p>Hi, <a href=\"{{magic_link_url}}\">sign in to {{organization_name}}</a></p>", …)
//! ```
//!
//! A template is text with values in it and nothing more: no conditions, no loops, no code (spec 06 R-45). Whoever writes
//! it is trusted with its words and not with the reader's mail program: what runs, submits or loads other documents is
//! refused, in the template as well as by a value that breaks out of its place. So the HTML is read element by element,
//! only what mails are made of is allowed, and a variable may stand in text and in quoted attributes only. An attribute
//! value with `<` or `>` in it is refused, so that no program can see a tag where this one sees text.

use std::collections::BTreeSet;

use ostiary_core::email_template::{
    CustomHtml, HTML_BYTES_MAX, SUBJECT_CHARS_MAX as TEMPLATE_SUBJECT_CHARS_MAX, TEXT_BYTES_MAX, TemplateType,
};

use super::html_scan::{self, Place};
use super::{Context, Mail, SUBJECT_CHARS_MAX};
use crate::html::Html;
use crate::words;

/// What may stand in a template in place of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    /// The link of sign-in, sign-up and invitation mails.
    MagicLinkUrl,
    /// The code.
    OtpCode,
    /// The link of password mails.
    ResetPasswordUrl,
    /// The link out of a lock.
    UnlockUrl,
    /// In password mails: a link that signs in without a password.
    LoginUrl,
    /// The address that the mail goes to.
    UserEmail,
    /// The organization, or the project where there is none yet.
    OrganizationName,
    /// The project.
    ProjectName,
    /// Who invited; empty when nobody did.
    InvitedByName,
    /// How many minutes link or code are good for.
    ExpirationMinutes,
}

const VARIABLES: [(&str, Variable); 10] = [
    ("magic_link_url", Variable::MagicLinkUrl),
    ("otp_code", Variable::OtpCode),
    ("reset_password_url", Variable::ResetPasswordUrl),
    ("unlock_url", Variable::UnlockUrl),
    ("login_url", Variable::LoginUrl),
    ("user_email", Variable::UserEmail),
    ("organization_name", Variable::OrganizationName),
    ("project_name", Variable::ProjectName),
    ("invited_by_name", Variable::InvitedByName),
    ("expiration_minutes", Variable::ExpirationMinutes),
];

impl Variable {
    fn parse(name: &str) -> Option<Self> {
        VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, variable)| *variable)
    }

    fn name(self) -> &'static str {
        VARIABLES.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    fn is_url(self) -> bool {
        matches!(
            self,
            Variable::MagicLinkUrl | Variable::ResetPasswordUrl | Variable::UnlockUrl | Variable::LoginUrl
        )
    }

    /// Whether mails of a type have it.
    fn is_in(self, kind: TemplateType) -> bool {
        let is_password =
            matches!(kind, TemplateType::ResetPassword | TemplateType::VerifyEmailPasswordReset);
        match self {
            Variable::LoginUrl => is_password,
            Variable::InvitedByName => kind == TemplateType::Invite,
            Variable::MagicLinkUrl | Variable::OtpCode | Variable::ResetPasswordUrl | Variable::UnlockUrl => {
                self == required(kind)
            }
            _ => true,
        }
    }

    fn value(self, context: &Context<'_>) -> String {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        match self {
            Variable::MagicLinkUrl | Variable::ResetPasswordUrl | Variable::UnlockUrl => text(context.url),
            Variable::OtpCode => words::one_line(context.code.unwrap_or_default()),
            Variable::LoginUrl => text(context.secondary_url.or(context.url)),
            Variable::UserEmail => words::one_line(context.email_address),
            Variable::OrganizationName => words::name(context.organization_name.unwrap_or(context.app_name)),
            Variable::ProjectName => words::name(context.app_name),
            Variable::InvitedByName => words::name(context.invited_by_name.unwrap_or_default()),
            Variable::ExpirationMinutes => context.expires_in_minutes.to_string(),
        }
    }
}

/// What a mail of a type is about, which it cannot be without (spec 01d §7).
fn required(kind: TemplateType) -> Variable {
    match kind {
        TemplateType::Login | TemplateType::Signup | TemplateType::Invite | TemplateType::Prebuilt => {
            Variable::MagicLinkUrl
        }
        TemplateType::ResetPassword | TemplateType::VerifyEmailPasswordReset => Variable::ResetPasswordUrl,
        TemplateType::OneTimePasscode | TemplateType::OneTimePasscodeSignup => Variable::OtpCode,
        TemplateType::Unlock => Variable::UnlockUrl,
    }
}

/// Why a template is not one; the texts say what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// Its variables are not those of its type.
    Parameters(String),
    /// Its markup, or its length.
    Content(String),
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// As it was written.
    Fixed(String),
    /// A value, escaped for where it stands.
    Value(Variable, Place),
}

/// A template that was read and judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomMail {
    subject: Vec<Piece>,
    text: Vec<Piece>,
    html: Vec<Piece>,
}

impl CustomMail {
    /// Reads a template.
    ///
    /// # Errors
    /// When a mail of its type cannot be made from it, or must not be.
    pub fn parse(custom: &CustomHtml) -> Result<CustomMail, TemplateError> {
        let kind = custom.template_type;
        let content = |message: &str| Err(TemplateError::Content(message.to_owned()));
        if custom.html_content.len() > HTML_BYTES_MAX || custom.plaintext_content.len() > TEXT_BYTES_MAX {
            return content("html_content may have at most 100 KB and plaintext_content 20 KB.");
        }
        let subject_chars = custom.subject.chars().count();
        if subject_chars == 0 || subject_chars > TEMPLATE_SUBJECT_CHARS_MAX {
            return content("subject must have 1 to 256 characters.");
        }
        if custom.subject.chars().any(char::is_control) {
            return content("subject must be one line.");
        }
        let mail = CustomMail {
            subject: plain(&custom.subject, kind)?,
            text: plain(&custom.plaintext_content, kind)?,
            html: html(&custom.html_content, kind)?,
        };
        for (field, pieces) in [("html_content", &mail.html), ("plaintext_content", &mail.text)] {
            if !variables(pieces).contains(&required(kind)) {
                let name = required(kind).name();
                return Err(TemplateError::Parameters(format!(
                    "{field} must have the variable {{{{{name}}}}}."
                )));
            }
        }
        // A code or link in a subject would be shown on locked screens.
        if variables(&mail.subject).iter().any(|variable| variable.is_url()) {
            return Err(TemplateError::Parameters("subject cannot have a link in it.".to_owned()));
        }
        Ok(mail)
    }

    /// Writes the mail. Durations and the like are said in the template's own words, whatever the language.
    pub fn render(&self, context: &Context<'_>) -> Mail {
        let subject = words::one_line(&fill(&self.subject, context));
        Mail {
            subject: words::shorten(&subject, SUBJECT_CHARS_MAX),
            text: fill(&self.text, context),
            html: fill(&self.html, context),
        }
    }
}

fn variables(pieces: &[Piece]) -> BTreeSet<Variable> {
    let variable = |piece: &Piece| match piece {
        Piece::Value(variable, _) => Some(*variable),
        Piece::Fixed(_) => None,
    };
    pieces.iter().filter_map(variable).collect()
}

fn fill(pieces: &[Piece], context: &Context<'_>) -> String {
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Fixed(text) => filled.push_str(text),
            Piece::Value(variable, place) => {
                let value = variable.value(context);
                match place {
                    Place::Plain => filled.push_str(&value),
                    Place::Markup | Place::UrlStart => filled.push_str(&Html::text(&value).into_string()),
                    Place::UrlRest => filled.push_str(&percent_encoded(&value)),
                }
            }
        }
    }
    filled
}

/// A value as a part of a URL: everything but what never means anything there (RFC 3986 §2.3).
fn percent_encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Splits a text at its variables. `each` learns of what stands between and says where a variable is.
fn split(
    text: &str,
    kind: TemplateType,
    mut place_of: impl FnMut(&str, Variable) -> Result<Place, TemplateError>,
) -> Result<Vec<Piece>, TemplateError> {
    let parameters = |message: String| Err(TemplateError::Parameters(message));
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            return parameters("A variable begins with {{ and does not end with }}.".to_owned());
        };
        let name = name.trim();
        let Some(variable) = Variable::parse(name) else {
            let shown = words::shorten(&words::one_line(name), 40);
            return parameters(format!("There is no variable {shown}."));
        };
        if !variable.is_in(kind) {
            return parameters(format!("Mails of the type {kind} have no variable {name}."));
        }
        let place = place_of(before, variable)?;
        pieces.push(Piece::Fixed(before.to_owned()));
        pieces.push(Piece::Value(variable, place));
        rest = after;
    }
    pieces.push(Piece::Fixed(rest.to_owned()));
    Ok(pieces)
}

fn plain(text: &str, kind: TemplateType) -> Result<Vec<Piece>, TemplateError> {
    split(text, kind, |_, _| Ok(Place::Plain))
}

fn html(text: &str, kind: TemplateType) -> Result<Vec<Piece>, TemplateError> {
    let mut scanner = html_scan::Scanner::default();
    let pieces = split(text, kind, |before, variable| {
        scanner.read(before).map_err(TemplateError::Content)?;
        scanner.variable(variable.is_url()).map_err(TemplateError::Content)
    })?;
    if let Some(Piece::Fixed(rest)) = pieces.last() {
        scanner.read(rest).map_err(TemplateError::Content)?;
    }
    scanner.finish().map_err(TemplateError::Content)?;
    Ok(pieces)
}

/// The values with which a template is shown to its author.
pub fn sample_context(app_name: &str, template: super::Template) -> Context<'_> {
    Context {
        app_name,
        organization_name: Some("Northwind Freight"),
        invited_by_name: (template == super::Template::Invite).then_some("Ada Lovelace"),
        email_address: "ada@northwind.example",
        url: Some("https://app.example.com/authenticate?token=preview"),
        secondary_url: matches!(
            template,
            super::Template::ResetPassword | super::Template::VerifyEmailPasswordReset
        )
        .then_some("https://app.example.com/authenticate?token=preview-login"),
        code: Some("123456"),
        expires_in_minutes: 60,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Style, Template, render_with};
    use super::*;
    use ostiary_core::email_template::{FontFamily, PrebuiltCustomization, TextAlignment};
    use ostiary_core::locale::Locale;
    use proptest::prelude::*;

    fn template(html: &str) -> CustomHtml {
        CustomHtml {
            template_type: TemplateType::Login,
            html_content: format!("{html}<a href=\"{{{{magic_link_url}}}}\">Go</a>"),
            plaintext_content: "Go: {{magic_link_url}}".into(),
            subject: "Sign in to {{organization_name}}".into(),
        }
    }

    fn parse(html: &str) -> Result<CustomMail, TemplateError> {
        CustomMail::parse(&template(html))
    }

    fn context() -> Context<'static> {
        sample_context("Harbor", Template::Login)
    }

    /// A whole mail as people write them, with what Outlook needs.
    const MAIL: &str = r#"<!DOCTYPE html><html lang="en" xmlns:v="urn:schemas-microsoft-com:vml"><head>
        <meta http-equiv="Content-Type" content="text/html; charset=utf-8"><title>Sign in</title>
        <style type="text/css">@media (max-width: 600px) { .a > td { width: 100% !important } }</style></head>
        <body bgcolor=#ffffff><!-- a comment --><!--[if mso]><v:roundrect href="{{magic_link_url}}" arcsize="10%">
        <center>Go</center></v:roundrect><![endif]--><!--[if !mso]><!-->
        <p style="color: #333" title='For {{organization_name}}'>1 < 2 & more, {{ user_email }}<br/></p>
        <img src="https://cdn.example/logo.png" alt="Logo"><a href="mailto:help@acme.example?subject={{user_email}}">Help</a>
        <!--<![endif]--></body></html>"#;

    #[test]
    fn a_mail_as_people_write_them_is_taken() {
        let mail = parse(MAIL).unwrap().render(&context());
        assert!(mail.html.contains("subject=ada%40northwind.example\""), "{}", mail.html);
        assert!(mail.html.contains("title='For Northwind Freight'"));
        assert!(
            mail.html.contains("<v:roundrect href=\"https://app.example.com/authenticate?token=preview\"")
        );
        assert_eq!(mail.subject, "Sign in to Northwind Freight");
        assert_eq!(mail.text, "Go: https://app.example.com/authenticate?token=preview");
    }

    #[test]
    fn what_runs_submits_or_loads_documents_is_refused() {
        for html in [
            "<script>alert(1)</script>",
            "<ScRiPt src=//evil.example></ScRiPt>",
            "<img src=x onerror=alert(1)>",
            "<img src=\"https://a.example/x\" OnError=\"alert(1)\">",
            "<img/onerror=alert(1) src=\"https://a.example\">",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<a href=\" javascript:alert(1)\">x</a>",
            "<a href=\"java&#115;cript:alert(1)\">x</a>",
            "<a href=\"javascript&colon;alert(1)\">x</a>",
            "<a href=\"java\tscript:alert(1)\">x</a>",
            "<a href=//evil.example>x</a>",
            "<a href=\"data:text/html,<script>\">x</a>",
            "<a href=\"data:text/html;base64,PHNjcmlwdD4=\">x</a>",
            "<a href=\"data:image/svg+xml;base64,PHN2Zz4=\">x</a>",
            "<iframe src=\"https://evil.example\"></iframe>",
            "<svg><script>1</script></svg>",
            "<svg/onload=alert(1)>",
            "<math><mtext></mtext></math>",
            "<form action=\"https://evil.example\"><input name=password></form>",
            "<base href=\"https://evil.example/\">",
            "<link rel=\"stylesheet\" href=\"https://evil.example/a.css\">",
            "<meta http-equiv=\"refresh\" content=\"0;url=https://evil.example\">",
            "<object data=\"https://evil.example\"></object>",
            "<style>@import 'https://evil.example/a.css';</style>",
            "<div style=\"width: expression(alert(1))\">x</div>",
            "<textarea><a title=\"</textarea><script>alert(1)</script>\"></textarea>",
            "<noscript><p title=\"</noscript><script>alert(1)</script>\"></noscript>",
            "<title><!--</title><script>alert(1)</script>--></title>",
            "<style><!--</style><script>alert(1)</script>--></style>",
            "<!--[if mso]><style> --><script>alert(1)</script></style><![endif]-->",
            "<!--[if mso]><a title=\"--><script>alert(1)</script>\"></a><![endif]-->",
            "<!-- --!><script>alert(1)</script> -->",
            "<!--><script>alert(1)</script>-->",
            "<!---><script>alert(1)</script>-->",
            "<a title=\"<\">x</a>",
            "<?xml version=\"1.0\"?>",
            "<![CDATA[<script>alert(1)</script>]]>",
            "<!ENTITY x>",
            "</ script>",
            "<a title=\"x",
            "<!-- open",
            "<<script>alert(1)</script>",
        ] {
            assert!(matches!(parse(html), Err(TemplateError::Content(_))), "{html}: {:?}", parse(html));
        }
    }

    #[test]
    fn variables_stand_where_their_values_stay_values() {
        for html in [
            "<{{organization_name}}>",
            "<p {{organization_name}}=\"1\">",
            "<p title={{organization_name}}>",
            "<p style=\"color: {{organization_name}}\">",
            "<style>{{organization_name}}</style>",
            "<!-- {{organization_name}} -->",
            "<a href=\"{{organization_name}}\">x</a>",
            "<a href=\" {{magic_link_url}}\">x</a>",
            "<a href=\"java{{organization_name}}\">x</a>",
        ] {
            assert!(matches!(parse(html), Err(TemplateError::Content(_))), "{html}");
        }
        for html in [
            "{{unknown}}",
            "{{ magic_link_url",
            "{{#if x}}",
            "{{{user_email}}}",
            "{{otp_code}}",
            "{{constructor.x}}",
        ] {
            assert!(matches!(parse(html), Err(TemplateError::Parameters(_))), "{html}");
        }
    }

    #[test]
    fn a_mail_has_what_it_is_about_in_both_parts() {
        let good = template("");
        for (change, is_content) in [
            (CustomHtml { html_content: "<p>Hi</p>".into(), ..good.clone() }, false),
            (CustomHtml { plaintext_content: "Hi".into(), ..good.clone() }, false),
            (CustomHtml { template_type: TemplateType::ResetPassword, ..good.clone() }, false),
            (CustomHtml { subject: "{{magic_link_url}}".into(), ..good.clone() }, false),
            (CustomHtml { subject: String::new(), ..good.clone() }, true),
            (CustomHtml { subject: "a\r\nBcc: eve@evil.example".into(), ..good.clone() }, true),
            (CustomHtml { html_content: "x".repeat(HTML_BYTES_MAX + 1), ..good.clone() }, true),
        ] {
            let error = CustomMail::parse(&change).unwrap_err();
            assert_eq!(matches!(error, TemplateError::Content(_)), is_content, "{change:?}");
        }
        assert!(CustomMail::parse(&good).is_ok());
    }

    #[test]
    fn hostile_names_stay_words() {
        let mail = parse("<p title=\"{{organization_name}}\">{{organization_name}}</p>").unwrap();
        let hostile = Context {
            organization_name: Some(
                "\"><script>alert(1)</script>{{magic_link_url}} https://evil.example\r\nBcc: x",
            ),
            ..context()
        };
        let mail = mail.render(&hostile);
        assert!(!mail.html.contains("<script"), "{}", mail.html);
        assert!(!mail.html.contains("https://evil.example"), "names never become links");
        assert_eq!(mail.html.matches("token=preview").count(), 1, "a value is not filled again");
        assert!(!mail.subject.contains(['\r', '\n']));
    }

    proptest! {
        /// Whatever a value is, the mail has the tags of the template and no others.
        #[test]
        fn no_value_makes_a_tag(name in ".{0,80}", email in ".{0,80}") {
            let mail = parse(MAIL).unwrap();
            let tags = |html: &str| html.matches('<').count();
            let plain = mail.render(&context());
            let other = mail.render(&Context { organization_name: Some(&name), email_address: &email, ..context() });
            prop_assert_eq!(tags(&plain.html), tags(&other.html));
        }

        /// Nothing that is taken has a script in it, however it is put together.
        #[test]
        fn no_soup_of_pieces_gets_a_script_through(pieces in prop::collection::vec(prop::sample::select(vec![
            "<", ">", "</", "<!--", "-->", "--!>", "\"", "'", "=", " ", "/", "a", "style", "title", "<style>",
            "</style>", "<title>", "</title>", "<a title=\"", "<!--[if mso]>", "<![endif]-->", "<script>", "x",
        ]), 0..24)) {
            let html: String = pieces.concat();
            if parse(&html).is_ok() {
                // A browser begins a script at `<script` in text. What is left are comments, where it begins none.
                let outside = without_comments(&html);
                prop_assert!(!outside.contains("<script"), "{}", html);
            }
        }
    }

    /// The markup without what browsers take for comments.
    fn without_comments(html: &str) -> String {
        let (mut outside, mut rest) = (String::new(), html);
        while let Some((before, after)) = rest.split_once("<!--") {
            outside.push_str(before);
            let ends = [("-->", 3), ("--!>", 4)];
            let found = ends.iter().filter_map(|(end, length)| after.find(end).map(|at| at + length)).min();
            rest = match (after.starts_with('>'), after.starts_with("->"), found) {
                (true, _, _) => &after[1..],
                (_, true, _) => &after[2..],
                (_, _, Some(at)) => &after[at..],
                (_, _, None) => "",
            };
        }
        outside + rest
    }

    #[test]
    fn a_look_is_in_the_mail_and_the_rest_is_as_it_comes() {
        let look = PrebuiltCustomization {
            button_color: Some("#ff0000".into()),
            button_border_radius: Some(24.5),
            font_family: Some(FontFamily::Georgia),
            text_alignment: Some(TextAlignment::Center),
            ..PrebuiltCustomization::default()
        };
        let html = render_with(Template::Login, Locale::En, &context(), &Style::of(&look)).html;
        for part in [
            "background-color:#ff0000",
            "color:#ffffff",
            "border-radius:24.5px",
            "arcsize=\"50%\"",
            "Georgia, serif",
            "text-align:center",
        ] {
            assert!(html.contains(part), "{part}");
        }
        assert!(!html.contains("{{") && !html.contains("#0b5f6b;\"><!--"), "{html}");
        let nothing = Style::of(&PrebuiltCustomization::default());
        assert_eq!(nothing, Style::default());
    }
}
