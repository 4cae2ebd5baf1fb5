//! Sentences of the mail tables with their values put in: as a subject, as text, as HTML.

use crate::html::Html;
use crate::words;

/// The values that sentences may name.
pub(super) struct Values {
    /// `{place}`: the organization, or the project.
    pub(super) place: String,
    /// `{inviter}`: the member who invited.
    pub(super) inviter: String,
    /// `{email}`: the address that the mail goes to.
    pub(super) email: String,
    /// `{expiry}`: the time to live, in words of the language.
    pub(super) expiry: String,
    /// `{code}`: the one-time code.
    pub(super) code: String,
}

impl Values {
    /// A value as it may stand in the body of a mail. Names can be chosen to deceive, so they never become links.
    fn shown(&self, name: &str) -> String {
        match name {
            "place" => words::name(&self.place),
            "inviter" => words::name(&self.inviter),
            _ => self.raw(name).to_owned(),
        }
    }

    fn raw(&self, name: &str) -> &str {
        match name {
            "place" => &self.place,
            "inviter" => &self.inviter,
            "email" => &self.email,
            "expiry" => &self.expiry,
            "code" => &self.code,
            _ => unreachable!("sentences name known values only, which a test checks: {name}"),
        }
    }
}

/// A stretch of a sentence.
enum Part<'a> {
    Words(&'a str),
    Value(&'a str),
    /// Begins or ends strong text.
    Strong,
}

fn parts(sentence: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = sentence;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(after) = rest.strip_prefix("**") {
            rest = after;
            return Some(Part::Strong);
        }
        if let Some((name, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            rest = after;
            return Some(Part::Value(name));
        }
        let end = rest.find(['*', '{']).unwrap_or(rest.len());
        let (words, after) = rest.split_at(end);
        rest = after;
        Some(Part::Words(words))
    })
}

/// A sentence as a subject: one line, names as they are.
pub(super) fn subject(sentence: &str, values: &Values) -> String {
    let filled: String = parts(sentence)
        .map(|part| match part {
            Part::Words(words) => words,
            Part::Value(name) => values.raw(name),
            Part::Strong => "",
        })
        .collect();
    words::one_line(&filled)
}

/// A sentence as plain text.
pub(super) fn text(sentence: &str, values: &Values) -> String {
    parts(sentence)
        .map(|part| match part {
            Part::Words(words) => words.to_owned(),
            Part::Value(name) => values.shown(name),
            Part::Strong => String::new(),
        })
        .collect()
}

/// A sentence as HTML.
pub(super) fn html(sentence: &str, values: &Values) -> Html {
    let mut is_strong = false;
    parts(sentence)
        .map(|part| {
            let html = match part {
                Part::Words(words) => Html::text(words),
                Part::Value(name) => Html::text(&values.shown(name)),
                Part::Strong => {
                    is_strong = !is_strong;
                    return Html::default();
                }
            };
            if is_strong {
                Html::fill(include_str!("../../templates/mail/strong.html"), &[("text", html)])
            } else {
                html
            }
        })
        .collect()
}
