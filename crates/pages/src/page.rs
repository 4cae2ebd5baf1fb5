//! HTML pages for people.
//!
//! Besides the policy of each [`Page`] the server sends with all of them `X-Content-Type-Options: nosniff` and
//! `Referrer-Policy: no-referrer`, and `Cache-Control: no-store` with those that carry a token, a request id or
//! messages (link hop, error, inbox, preview).

mod error;
mod hop;
mod inbox;
mod reference;
mod unlock;

pub use self::error::error;
pub use self::hop::link_hop;
pub use self::inbox::{PreviewTheme, inbox, mail_preview};
pub use self::reference::{error_index, error_reference};
pub use self::unlock::unlock;

use crate::asset::{self, Asset};
use crate::html::Html;

/// A whole HTML document and the policy that it runs under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The document.
    pub html: String,
    /// Value of `Content-Security-Policy`, which the server must send with the document.
    pub content_security_policy: &'static str,
}

/// Policy of pages without script: styles and the icon, nothing else.
const STATIC_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; \
                             base-uri 'none'; frame-ancestors 'none'";

/// What surrounds the body of a page.
struct Frame<'a> {
    /// `lang` of the document.
    lang: &'a str,
    /// "Thing · Place · Ostiary", or the thing alone on pages for end users.
    title: &'a str,
    /// Styles after the tokens.
    styles: &'a [&'a Asset],
    script: Option<&'a Asset>,
    /// The `<body>` element.
    body: Html,
}

impl Frame<'_> {
    fn into_page(self, content_security_policy: &'static str) -> Page {
        let styles = std::iter::once(&asset::TOKENS).chain(self.styles.iter().copied()).map(|style| {
            Html::fill("  <link rel=\"stylesheet\" href=\"{{path}}\">\n", &[("path", Html::text(style.path))])
        });
        let script = self.script.into_iter().map(|script| {
            Html::fill("  <script src=\"{{path}}\" defer></script>\n", &[("path", Html::text(script.path))])
        });
        let html = Html::fill(
            include_str!("../templates/page.html"),
            &[
                ("lang", Html::text(self.lang)),
                ("title", Html::text(self.title)),
                ("icon", Html::text(asset::FAVICON.path)),
                ("links", styles.chain(script).collect()),
                ("body", self.body),
            ],
        );
        Page { html: html.into_string(), content_security_policy }
    }
}

/// The name with the mark, drawn.
fn wordmark() -> Html {
    Html::fixed(include_str!("../templates/wordmark.html"))
}

/// The mark alone, for small places.
fn mark() -> Html {
    Html::fixed(include_str!("../templates/mark.html"))
}

#[cfg(test)]
mod tests;
