//! The page for people when something they opened does not work.

use super::{Frame, Page, STATIC_POLICY, mark};
use crate::asset;
use crate::html::Html;

/// The page for people when something they opened does not work: a used link, an unknown address, a failure here.
///
/// `title` says what happened, `text` why and what to do now. Status and `request_id` stand behind "Details for
/// support". The answer keeps `status` as its status code.
pub fn error(status: u16, title: &str, text: &str, request_id: &str) -> Page {
    let body = Html::fill(
        include_str!("../../templates/error.html"),
        &[
            ("title", Html::text(title)),
            ("text", Html::text(text)),
            ("status", Html::text(&status.to_string())),
            ("request_id", Html::text(request_id)),
            ("mark", mark()),
        ],
    );
    Frame { lang: "en", title, styles: &[&asset::STYLE], script: None, body }.into_page(STATIC_POLICY)
}
