//! Values from outside, made fit to stand in one line that a person reads.
//!
//! Names of organizations, members and projects are chosen by their owners, and some owners write them to deceive
//! the reader of a mail: with line breaks (another header, a forged paragraph), with direction marks (text that
//! reads backwards), or with an address (a name that mail programs turn into a link).

/// Longest name that is shown, in characters; longer ones end in an ellipsis.
const NAME_CHARS_MAX: usize = 100;

/// Puts `value` on one line: control characters and line separators become spaces, runs of spaces become one, and
/// characters that only change the direction of what follows are left out.
pub(crate) fn one_line(value: &str) -> String {
    let visible = value.chars().filter(|character| !turns_direction(*character));
    let spaced: String = visible
        .map(|character| match character {
            '\u{2028}' | '\u{2029}' => ' ',
            _ if character.is_control() => ' ',
            _ => character,
        })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Shortens a text to `chars_max` characters, the last being an ellipsis when something was cut.
pub(crate) fn shorten(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars_max - 1).collect();
    format!("{}…", kept.trim_end())
}

/// A name as it is shown inside a sentence of a mail: one line, of bounded length, and never an address that a
/// mail program would turn into a link to somewhere else.
pub(crate) fn name(value: &str) -> String {
    unlink(&shorten(&one_line(value), NAME_CHARS_MAX))
}

/// Keeps mail programs from making links of a text: a zero-width space after each dot, colon or at sign that
/// stands between letters, digits or slashes. The text looks the same.
fn unlink(text: &str) -> String {
    let mut unlinked = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        unlinked.push(character);
        let joins = matches!(character, '.' | ':' | '@');
        if joins && characters.peek().is_some_and(|next| next.is_alphanumeric() || *next == '/') {
            unlinked.push('\u{200B}');
        }
    }
    unlinked
}

/// Whether a character shows nothing itself but turns the direction of its neighbours.
fn turns_direction(character: char) -> bool {
    matches!(
        character,
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_leaves_no_break_and_no_direction_mark() {
        assert_eq!(
            one_line("Ada\r\nBcc: eve@evil.example\u{2028}x\u{202E}y"),
            "Ada Bcc: eve@evil.example xy"
        );
        assert_eq!(one_line("  \t "), "");
        assert_eq!(one_line("Café Ünïon"), "Café Ünïon");
    }

    #[test]
    fn names_are_bounded_by_characters_not_bytes() {
        let long = "é".repeat(300);
        assert_eq!(name(&long).chars().count(), NAME_CHARS_MAX);
        assert!(name(&long).ends_with('…'));
        assert_eq!(shorten("abc", 3), "abc");
    }

    #[test]
    fn an_address_inside_a_name_is_no_longer_an_address() {
        assert_eq!(name("Win at https://evil.example"), "Win at https:\u{200B}//evil.\u{200B}example");
        assert_eq!(name("a@evil.example"), "a@\u{200B}evil.\u{200B}example");
        assert_eq!(name("Acme Inc."), "Acme Inc.");
        assert_eq!(name("Dr. No"), "Dr. No");
    }
}
