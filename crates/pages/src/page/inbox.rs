//! The developer inbox: mails and text messages that a server in development keeps instead of sending.
//!
//! The page is a frame; `assets/inbox.js` fills it from the inbox's own interface, relative to where the page is
//! served. A mail's HTML comes from outside (names, templates), so it is shown in a frame without script and
//! without an origin, as a document of its own with a policy of its own: [`mail_preview`]. It cannot be a
//! `srcdoc`, since such a document inherits the page's policy, which refuses the inline styles that mails need.

use super::{Frame, Page, mark, wordmark};
use crate::asset;
use crate::html::Html;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// No script, no origin, nothing loaded; links open in a new tab that is free of these limits.
const PREVIEW_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; \
                              frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";

/// The theme in which a mail is previewed, whatever the browser prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PreviewTheme {
    /// As in a mail program with a light theme.
    #[default]
    Light,
    /// As in a mail program with a dark theme.
    Dark,
}

impl PreviewTheme {
    /// The theme of a query value; anything but `dark` is light.
    pub fn parse(text: &str) -> Self {
        if text == "dark" { Self::Dark } else { Self::Light }
    }
}

/// The developer inbox, served at `/dev/inbox`. `api_url` is the server's base URL as programs use it; it stands
/// in the commands that the page offers to copy.
///
/// The script uses, relative to the page's own address: `messages` (GET, DELETE), `messages/{id}/html?theme=`
/// ([`mail_preview`]), `events` (server-sent events) and `../clock` (GET, POST).
pub fn inbox(api_url: &str) -> Page {
    let body = Html::fill(
        include_str!("../../templates/inbox.html"),
        &[
            ("api_url", Html::text(api_url.trim_end_matches('/'))),
            ("wordmark", wordmark()),
            ("mark", mark()),
            ("icon_clock", icon("M14.5 8a6.5 6.5 0 1 1-13 0a6.5 6.5 0 0 1 13 0M8 4.5V8l2.5 1.5")),
            ("icon_search", icon("M11.5 7a4.5 4.5 0 1 1-9 0a4.5 4.5 0 0 1 9 0M10.5 10.5 14 14")),
            ("icon_copy", icon("M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3")),
            ("icon_open", icon("M9 2.5h4.5V7M13.5 2.5 7 9M11 9.5v4H2.5V5h4")),
            ("icon_keyboard", icon("M1.5 4h13v8h-13zM4 6.5h.01M6.7 6.5h.01M9.3 6.5h.01M12 6.5h.01M5 9.5h6")),
        ],
    );
    Frame {
        lang: "en",
        title: "Inbox · Ostiary",
        styles: &[&asset::STYLE, &asset::INBOX_STYLE],
        script: Some(&asset::INBOX_SCRIPT),
        body,
    }
    .into_page(POLICY)
}

/// An icon of one path on a grid of 16 units.
fn icon(path: &'static str) -> Html {
    Html::fill(
        "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"{{path}}\"/></svg>",
        &[("path", Html::fixed(path))],
    )
}

/// A mail's HTML as the document of the inbox's preview frame, served at `/dev/inbox/messages/{id}/html`.
///
/// `html` is passed on as it is, apart from two things: links open in a new tab, and the dark rules of the mail
/// are always or never used, as `theme` says. What keeps it harmless is the policy of the returned page, so the
/// server must send it, and must not send `X-Frame-Options`.
pub fn mail_preview(html: &str, theme: PreviewTheme) -> Page {
    let (condition, scheme) = match theme {
        PreviewTheme::Light => ("not all", "light"),
        PreviewTheme::Dark => ("all", "dark"),
    };
    let themed = html
        .replace("(prefers-color-scheme: dark)", condition)
        .replace("color-scheme: light dark", &format!("color-scheme: {scheme}"))
        .replace("content=\"light dark\"", &format!("content=\"{scheme}\""));
    let html = match themed.split_once("<head>") {
        Some((before, after)) => format!("{before}<head>\n  <base target=\"_blank\">{after}"),
        None => format!("<!doctype html><base target=\"_blank\">{themed}"),
    };
    Page { html, content_security_policy: PREVIEW_POLICY }
}

#[cfg(test)]
mod tests {
    use ostiary_core::locale::Locale;

    use super::*;
    use crate::mail;

    fn sample() -> String {
        let context = mail::Context {
            app_name: "Harbor",
            organization_name: Some("Northwind Freight"),
            invited_by_name: None,
            email_address: "mara.lindt@northwind.example",
            url: Some("https://auth.harbor.example/v1/b2b/magic_links/redirect?token=k3V9"),
            secondary_url: None,
            code: None,
            expires_in_minutes: 60,
        };
        mail::render(mail::Template::Login, Locale::En, &context).html
    }

    #[test]
    fn a_preview_shows_the_theme_that_was_asked_for() {
        let light = mail_preview(&sample(), PreviewTheme::Light).html;
        let dark = mail_preview(&sample(), PreviewTheme::parse("dark")).html;
        assert!(light.contains("@media not all {") && dark.contains("@media all {"));
        for (html, scheme) in [(&light, "light"), (&dark, "dark")] {
            assert!(!html.contains("prefers-color-scheme") && !html.contains(" color-scheme: light dark"));
            assert!(html.contains(&format!("<meta name=\"color-scheme\" content=\"{scheme}\">")));
        }
        assert_eq!(PreviewTheme::parse("anything"), PreviewTheme::Light);
    }

    #[test]
    fn links_of_a_preview_open_in_a_new_tab() {
        assert!(
            mail_preview(&sample(), PreviewTheme::Light).html.contains("<head>\n  <base target=\"_blank\">")
        );
        assert_eq!(
            mail_preview("<p>Hello", PreviewTheme::Light).html,
            "<!doctype html><base target=\"_blank\"><p>Hello"
        );
    }

    #[test]
    fn a_preview_runs_nothing_and_loads_nothing() {
        let policy = mail_preview("", PreviewTheme::Light).content_security_policy;
        assert!(policy.starts_with("default-src 'none';") && policy.contains("; sandbox allow-popups "));
        for power in ["script-src", "allow-scripts", "allow-same-origin", "allow-forms", "http"] {
            assert!(!policy.contains(power), "{power}");
        }
    }
}
