//! Names that people choose for organizations and members: slugs and external ids (spec 01a §2, §3).

use uuid::Uuid;

const SLUG_CHARACTERS: std::ops::RangeInclusive<usize> = 2..=128;
const EXTERNAL_ID_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=128;

/// What clients send in place of an id that they forgot to set (backend contract §2): these never name anything.
const NOT_A_NAME: &[&str] = &["undefined", "null", "none"];

/// Member paths in which a fixed word stands where an id could (backend contract §2).
const PATH_WORDS: &[&str] = &["passwords", "mfa_phone_numbers"];

/// The slug of an organization whose name has nothing to make one from.
const FALLBACK_SLUG: &str = "organization";

/// Whether `text` can be an organization's slug: 2 to 128 ASCII letters, digits or `-._~`.
///
/// Chosen: refuses what could not be found again by that slug, since the request would be read in another way:
/// something like one of our ids, `undefined`, dots alone (a path).
pub fn is_valid_slug(text: &str) -> bool {
    SLUG_CHARACTERS.contains(&text.len()) && text.bytes().all(is_slug_byte) && !is_misread(text)
}

/// A slug from an organization's name: `Müller & Söhne` becomes `muller-sohne`. Always valid, not always unique.
pub fn derive_slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            c if c.is_ascii() && is_slug_byte(c as u8) => slug.push(c),
            // Apostrophes, and the marks of letters that come apart from them.
            '\'' | '’' | '\u{300}'..='\u{36f}' => {}
            c => match ascii_letters(c) {
                Some(letters) => slug.push_str(letters),
                None => slug.push('-'),
            },
        }
        if slug.len() > *SLUG_CHARACTERS.end() {
            break;
        }
    }
    let words: Vec<&str> = slug.split('-').filter(|word| !word.is_empty()).collect();
    let mut slug = words.join("-");
    slug.truncate(*SLUG_CHARACTERS.end());
    let slug = slug.trim_matches(['-', '.', '_', '~']);

    // Names like `X` or `undefined` need company; a name like one of our ids is past saving.
    let accompanied = with_suffix(FALLBACK_SLUG, slug);
    [slug, accompanied.as_str()]
        .into_iter()
        .find(|slug| is_valid_slug(slug))
        .unwrap_or(FALLBACK_SLUG)
        .to_owned()
}

/// Appends `-suffix` to a slug, shortening the slug where both would be too long. An empty suffix adds nothing.
///
/// The result is valid when the suffix is made of slug characters and leaves room for one character of the slug.
pub fn with_suffix(slug: &str, suffix: &str) -> String {
    if suffix.is_empty() {
        return slug.to_owned();
    }
    let room = SLUG_CHARACTERS.end().saturating_sub(suffix.len() + 1);
    let kept = slug.get(..room).unwrap_or(slug).trim_end_matches('-');
    format!("{kept}-{suffix}")
}

/// Whether `text` can be the external id of an organization or member: 1 to 128 ASCII letters, digits or `._-|`.
///
/// Refuses what looks like one of our ids (spec 01a §2), and, chosen, what a path would read in another way.
pub fn is_valid_external_id(text: &str) -> bool {
    EXTERNAL_ID_CHARACTERS.contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-|".contains(&byte))
        && !is_misread(text)
        && !PATH_WORDS.contains(&text)
}

fn is_slug_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Whether a text that is to be an identifier would be read as something else: a step in a path, a missing value, or one
/// of our ids.
pub(crate) fn is_misread(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'.')
        || NOT_A_NAME.iter().any(|word| word.eq_ignore_ascii_case(text))
        || looks_like_an_id(text)
}

/// Whether `text` has the shape `<prefix>-<test|live>-<uuid>` of every id of this server, in any letter case.
fn looks_like_an_id(text: &str) -> bool {
    const UUID_CHARACTERS: usize = 36;
    let Some((head, uuid)) = text.split_at_checked(text.len().saturating_sub(UUID_CHARACTERS)) else {
        return false;
    };
    let head = head.to_ascii_lowercase();
    (head.ends_with("-test-") || head.ends_with("-live-")) && Uuid::try_parse(uuid).is_ok()
}

/// Accented and joined Latin letters without their marks; `None` for everything else.
fn ascii_letters(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ð' | 'ď' | 'đ' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => "o",
        'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ß' => "ss",
        'ť' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "organization-test-07971b06-ac8b-4cdb-9c15-63b17e653931";

    #[test]
    fn slugs_have_the_documented_characters_and_length() {
        for right in ["ab", "Acme-Inc", "a.b_c~d", "--", "42", &"a".repeat(128), "test-live", "undefined-inc"]
        {
            assert!(is_valid_slug(right), "{right}");
        }
        for wrong in ["", "a", &"a".repeat(129), "a b", "a/b", "a|b", "a%2fb", "café", "a\0b", "ab\n"] {
            assert!(!is_valid_slug(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn names_that_would_be_read_in_another_way_are_refused() {
        let upper = ID.to_ascii_uppercase();
        let live = ID.replace("test", "live");
        for wrong in ["..", "...", "undefined", "NULL", "None", ID, &upper, &live] {
            assert!(!is_valid_slug(wrong), "slug {wrong}");
            assert!(!is_valid_external_id(wrong), "external id {wrong}");
        }
        for wrong in [".", "passwords", "mfa_phone_numbers"] {
            assert!(!is_valid_external_id(wrong), "{wrong}");
        }
    }

    #[test]
    fn external_ids_have_the_documented_characters_and_length() {
        let uuid = &ID["organization-test-".len()..];
        for right in ["1", "crm|42", "a.b_c-d", uuid, "acme-prod-1", &"a".repeat(128), "organization-test-42"]
        {
            assert!(is_valid_external_id(right), "{right}");
        }
        for wrong in ["", &"a".repeat(129), "a b", "a~b", "a/b", "é", "a\0", "a\n"] {
            assert!(!is_valid_external_id(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn names_become_readable_slugs() {
        for (name, expected) in [
            ("Acme", "acme"),
            ("Acme, Inc.", "acme-inc"),
            ("3.14 ~ Pi_Lab", "3.14-~-pi_lab"),
            ("  Acme   Inc  ", "acme-inc"),
            ("Müller & Söhne", "muller-sohne"),
            ("Mu\u{308}ller", "muller"),
            ("Café Zürich", "cafe-zurich"),
            ("Straße", "strasse"),
            ("O'Reilly’s", "oreillys"),
            ("Łódź Œuvre Ærø", "lodz-oeuvre-aero"),
            ("A/B", "a-b"),
            ("株式会社", "organization"),
            ("株式会社 Acme", "acme"),
            ("X", "organization-x"),
            ("", "organization"),
            ("---", "organization"),
            ("..", "organization"),
            ("undefined", "organization-undefined"),
            (ID, "organization"),
        ] {
            let slug = derive_slug(name);
            assert_eq!(slug, expected, "{name}");
        }
        assert_eq!(derive_slug(&"ab ".repeat(100)).len(), 128);
    }

    #[test]
    fn suffixes_shorten_only_what_is_too_long() {
        assert_eq!(with_suffix("acme", "x7k2"), "acme-x7k2");
        assert_eq!(with_suffix("acme", ""), "acme");
        let long = with_suffix(&"a".repeat(128), "x7k2");
        assert_eq!(long.len(), 128);
        assert!(long.ends_with("a-x7k2"));
        assert_eq!(with_suffix(&"-".repeat(128), "x7k2"), "-x7k2");
    }

    proptest! {
        #[test]
        fn every_name_has_a_valid_slug(name: String, suffix in "[a-z0-9]{1,8}") {
            let slug = derive_slug(&name);
            prop_assert!(is_valid_slug(&slug), "{}", slug);
            prop_assert!(is_valid_slug(&with_suffix(&slug, &suffix)));
        }

        #[test]
        fn every_printable_name_has_a_valid_slug(name in r"[ -~äöüß]{0,160}") {
            prop_assert!(is_valid_slug(&derive_slug(&name)));
        }

        #[test]
        fn no_id_of_ours_is_taken_for_an_external_id(prefix in "[a-z]{1,12}(-[a-z]{1,12}){0,2}", kind in "test|live", bytes: [u8; 16]) {
            let id = format!("{prefix}-{kind}-{}", uuid::Uuid::from_bytes(bytes));
            prop_assert!(!is_valid_external_id(&id));
            prop_assert!(!is_valid_slug(&id));
        }
    }
}
