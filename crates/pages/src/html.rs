//! Markup that is safe to send, and the only three ways to make it.
//!
//! An [`Html`] is either escaped text, markup written in this crate, or a template of this crate whose slots were
//! filled with other [`Html`]. A value from outside can therefore not reach a page or a mail unescaped: it does
//! not have the type (spec 06 R-51).
//!
//! ```text
//! Html::fill("<h1>{{title}}</h1>", &[("title", Html::text("Fish & <Chips>"))])
//!     = <h1>Fish &amp; &lt;Chips&gt;</h1>
//! ```

/// A piece of HTML in which every outside value is escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

impl Html {
    /// Escapes `value` so that it is only text, between tags as well as inside a quoted attribute.
    pub(crate) fn text(value: &str) -> Self {
        let mut escaped = String::with_capacity(value.len() + value.len() / 8);
        for character in value.chars() {
            match character {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&#39;"),
                // HTML has no way to write it; browsers show the replacement character anyway.
                '\0' => escaped.push('\u{FFFD}'),
                _ => escaped.push(character),
            }
        }
        Self(escaped)
    }

    /// Takes markup that stands in this crate's own source.
    pub(crate) fn fixed(markup: &'static str) -> Self {
        Self(markup.to_owned())
    }

    /// Puts `slots` in the places of a template that are marked `{{name}}`, in one pass: a value that itself
    /// contains `{{…}}` stays as it is.
    ///
    /// # Panics
    /// When the template names a slot that was not given, which the tests of each page and mail would show.
    pub(crate) fn fill(template: &'static str, slots: &[(&str, Html)]) -> Self {
        let mut filled =
            String::with_capacity(template.len() + slots.iter().map(|(_, html)| html.0.len()).sum::<usize>());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").expect("a slot of a template ends in }}");
            let (_, html) = slots
                .iter()
                .find(|(slot, _)| *slot == name)
                .unwrap_or_else(|| unreachable!("the template's slot {name} was not given"));
            filled.push_str(before);
            filled.push_str(&html.0);
            rest = after;
        }
        filled.push_str(rest);
        Self(filled)
    }

    /// Adds `next` at the end.
    pub(crate) fn push(&mut self, next: &Html) {
        self.0.push_str(&next.0);
    }

    /// The markup.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl FromIterator<Html> for Html {
    fn from_iter<I: IntoIterator<Item = Html>>(parts: I) -> Self {
        parts.into_iter().fold(Self::default(), |mut all, part| {
            all.push(&part);
            all
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_escapes_everything_that_could_open_a_tag_or_close_an_attribute() {
        let hostile = "<img src=x onerror='a' alt=\"b\"> & \0";
        assert_eq!(
            Html::text(hostile).into_string(),
            "&lt;img src=x onerror=&#39;a&#39; alt=&quot;b&quot;&gt; &amp; \u{FFFD}"
        );
    }

    #[test]
    fn a_value_that_looks_like_a_slot_is_not_filled_again() {
        let slots = [("a", Html::text("{{b}}")), ("b", Html::text("secret"))];
        assert_eq!(Html::fill("<p>{{a}}</p>", &slots).into_string(), "<p>{{b}}</p>");
    }
}
