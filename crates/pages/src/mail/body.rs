//! A mail's body, written as text and as HTML at the same time so that both parts always say the same.

use ostiary_core::locale::Locale;

use super::sentence::{self, Values};
use super::style::Style;
use crate::html::Html;

/// Longest line of the text part, in characters. Mail programs of the terminal and quoted replies stay readable.
const LINE_CHARS_MAX: usize = 72;

/// A body under construction.
pub(super) struct Body<'a> {
    values: &'a Values,
    style: &'a Style,
    /// Blocks of the text part; an empty line goes between them.
    text: Vec<String>,
    html: Html,
}

impl<'a> Body<'a> {
    pub(super) fn new(values: &'a Values, style: &'a Style) -> Self {
        Self { values, style, text: Vec::new(), html: Html::default() }
    }

    pub(super) fn title(&mut self, sentence: &str) {
        self.block(include_str!("../../templates/mail/title.html"), sentence);
    }

    pub(super) fn paragraph(&mut self, sentence: &str) {
        self.block(include_str!("../../templates/mail/paragraph.html"), sentence);
    }

    /// What to do if it was not you; stands last, below a line.
    pub(super) fn note(&mut self, sentence: &str) {
        self.block(include_str!("../../templates/mail/note.html"), sentence);
    }

    /// The code, large and alone, so that it can be read from afar and copied with a double click.
    pub(super) fn code(&mut self, code: &str) {
        self.text.push(code.to_owned());
        let code = Html::text(code);
        self.html.push(&Html::fill(include_str!("../../templates/mail/code.html"), &[("code", code)]));
    }

    /// The button, and its address in full for mail programs that break buttons.
    pub(super) fn button(&mut self, label: &str, url: &str, fallback: &str) {
        self.text.push(format!("{label}:\n{url}"));
        let width = button_width(label);
        self.html.push(&Html::fill(
            include_str!("../../templates/mail/button.html"),
            &[
                ("url", Html::text(url)),
                ("label", Html::text(label)),
                ("width", Html::text(&width.to_string())),
                ("margin", Html::fixed(if self.style.is_centered { "0 auto 28px" } else { "0 0 28px" })),
                ("radius", Html::text(&self.style.radius())),
                ("arc", Html::text(&self.style.arc())),
                ("color", Html::text(&self.style.button_color)),
                ("text_color", Html::text(&self.style.button_text_color)),
                ("font", Html::fixed(self.style.font)),
            ],
        ));
        self.html.push(&Html::fill(
            include_str!("../../templates/mail/fallback.html"),
            &[("text", Html::text(fallback)), ("link", link(url, url))],
        ));
    }

    /// A question whose answer is a link.
    pub(super) fn question_with_link(&mut self, question: &str, label: &str, url: &str) {
        self.text.push(format!("{}\n{url}", wrap(&format!("{question} {label}:"))));
        let mut text = Html::text(question);
        text.push(&Html::fixed(" "));
        text.push(&link(url, label));
        text.push(&Html::fixed("."));
        self.html.push(&Html::fill(include_str!("../../templates/mail/paragraph.html"), &[("text", text)]));
    }

    /// The text part and the HTML part.
    pub(super) fn finish(
        mut self,
        locale: Locale,
        subject: &str,
        preheader: &str,
        foot: &str,
    ) -> (String, String) {
        self.text.push(format!("--\n{}", wrap(&sentence::text(foot, self.values))));
        let html = Html::fill(
            include_str!("../../templates/mail/layout.html"),
            &[
                ("lang", Html::text(locale.as_str())),
                ("font", Html::fixed(self.style.font)),
                ("align", Html::fixed(if self.style.is_centered { "center" } else { "left" })),
                ("dark_color", Html::text(&self.style.dark_button_color)),
                ("dark_text_color", Html::text(&self.style.dark_button_text_color)),
                ("subject", Html::text(subject)),
                ("preheader", sentence::html(preheader, self.values)),
                ("place", sentence::html("{place}", self.values)),
                ("blocks", self.html),
                ("foot", sentence::html(foot, self.values)),
            ],
        );
        (self.text.join("\n\n") + "\n", html.into_string())
    }

    fn block(&mut self, template: &'static str, sentence: &str) {
        self.text.push(wrap(&sentence::text(sentence, self.values)));
        self.html.push(&Html::fill(template, &[("text", sentence::html(sentence, self.values))]));
    }
}

fn link(url: &str, text: &str) -> Html {
    let slots = [("url", Html::text(url)), ("text", Html::text(text))];
    Html::fill(include_str!("../../templates/mail/link.html"), &slots)
}

/// Width in pixels of the button that Outlook draws, which does not fit itself to its words: room at both ends and
/// a generous width per character, as words that do not fit would be cut.
fn button_width(label: &str) -> usize {
    60 + 9 * label.chars().count()
}

/// Breaks a paragraph into lines between words. Words longer than a line stay whole, so no address is cut.
fn wrap(paragraph: &str) -> String {
    let mut wrapped = String::with_capacity(paragraph.len());
    let mut line_chars = 0;
    // Only at plain spaces: the no-break spaces of French are there to keep a line together.
    for word in paragraph.split(' ') {
        let word_chars = word.chars().count();
        if line_chars > 0 {
            let fits = line_chars + 1 + word_chars <= LINE_CHARS_MAX;
            wrapped.push(if fits { ' ' } else { '\n' });
            line_chars = if fits { line_chars + 1 } else { 0 };
        }
        wrapped.push_str(word);
        line_chars += word_chars;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_break_between_words_only() {
        let word = "abcdefghi";
        let wrapped = wrap(&[word; 10].join(" "));
        assert_eq!(wrapped, format!("{}\n{}", [word; 7].join(" "), [word; 3].join(" ")));
        let long = "x".repeat(100);
        assert_eq!(wrap(&format!("see {long} there")), format!("see\n{long}\nthere"));
        assert_eq!(wrap(""), "");
    }
}
