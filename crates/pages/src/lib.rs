//! Everything of Ostiary that people read: mails, text messages, pages, and the files that pages load.
//!
//! Pure rendering. Values go in, text comes out; no clock, no random numbers, no files, no network. All sources
//! are embedded in the binary, and no page or mail loads anything from another origin.
//!
//! ```text
//! the outbox writes a mail row      → mail::render(Template::Login, locale, &context)   → subject, text, HTML
//! a person opens the link           → page::link_hop(locale, "Harbor", "https://app…")  → HTML and its CSP
//! the browser asks for the styles   → asset::find("/assets/ostiary-….css")              → bytes, type, ETag
//! ```
//!
//! What holds everywhere:
//! - Values from outside are escaped by type: see `html::Html`, the only way markup is made.
//! - Pages run under the policy that comes with them: no inline script, no inline style, no foreign origin. The
//!   server sends it as `Content-Security-Policy` (spec 06 R-51).
//! - Colours are tokens of `assets/tokens.css`, in a light and a dark theme, with contrast of WCAG 2.2 AA.
//! - Pages for end users work without script.

pub mod asset;
mod html;
pub mod mail;
pub mod page;
pub mod qr;
pub mod sms;
mod words;
