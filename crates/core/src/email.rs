//! Email addresses and mail domains, in the one form in which they are stored and compared.
//!
//! Two spellings that reach the same mailbox must not be two members, and two that look alike must not be taken
//! for one. So `Ada@Example.COM` is `ada@example.com` (spec 01a §4: lower case), an international domain is its
//! ASCII form, and a local part beyond ASCII is refused: nobody can tell `аda@example.com` (Cyrillic `а`) from
//! Ada's address by eye.

use std::fmt;

use serde::{Serialize, Serializer};
use url::Host;

/// Longest address in bytes (RFC 5321 §4.5.3.1.3, without the angle brackets).
const ADDRESS_BYTES_MAX: usize = 254;
/// Longest local part in bytes (RFC 5321 §4.5.3.1.1).
const LOCAL_PART_BYTES_MAX: usize = 64;
/// Longest domain name in characters (RFC 1035 §2.3.4, as text).
const DOMAIN_BYTES_MAX: usize = 253;
/// Longest label of a domain name (RFC 1035 §2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// An email address in its normal form: ASCII, lower case, one `@`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress {
    text: String,
    at: usize,
}

impl EmailAddress {
    /// Reads an address and brings it into its normal form; `None` when it is none.
    ///
    /// Nothing is trimmed or repaired. The local part is an ASCII dot-atom (RFC 5322 §3.2.3): no quoted strings,
    /// no comments. The domain is a host name with at least one dot, no address literal.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > ADDRESS_BYTES_MAX {
            return None;
        }
        let (local_part, domain) = text.split_once('@')?;
        if !is_dot_atom(local_part) {
            return None;
        }
        let domain = parse_host_name(domain)?;
        let text = format!("{}@{domain}", local_part.to_ascii_lowercase());
        // The ASCII form of an international domain can be longer than what was typed.
        (text.len() <= ADDRESS_BYTES_MAX).then_some(Self { text, at: local_part.len() })
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        &self.text[..self.at]
    }

    /// What stands behind the `@`, in the form of [`parse_domain`].
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for EmailAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

fn is_dot_atom(local_part: &str) -> bool {
    let is_atext = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    (1..=LOCAL_PART_BYTES_MAX).contains(&local_part.len())
        && local_part.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

/// Reads a domain that can stand for one organization, and brings it into its normal form: ASCII, lower case.
///
/// `None` for wildcards, IP addresses, ports, single labels, a trailing dot, and names that only a registry can
/// hand out below (`co.uk`). An international name becomes its `xn--` form; one whose letters would silently
/// turn into others (full-width forms, ligatures, invisible characters) is refused.
pub fn parse_domain(text: &str) -> Option<String> {
    parse_host_name(text).filter(|domain| !is_registry_suffix(domain))
}

fn parse_host_name(text: &str) -> Option<String> {
    if text.len() > DOMAIN_BYTES_MAX || !text.chars().all(may_stand_in_domain) {
        return None;
    }
    let Ok(Host::Domain(domain)) = Host::parse(text) else { return None };
    let is_kept = text.split('.').count() == domain.split('.').count()
        && text.split('.').zip(domain.split('.')).all(|(given, label)| {
            given.eq_ignore_ascii_case(label) || (!given.is_ascii() && is_punycode(label))
        });
    (is_kept && is_host_name(&domain)).then_some(domain)
}

/// ASCII letters, digits, hyphen and dot, and whatever beyond ASCII is visible and no dot in disguise.
fn may_stand_in_domain(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '-' || c == '.';
    }
    let is_dot = matches!(c, '\u{3002}' | '\u{ff0e}' | '\u{ff61}');
    !is_dot && !c.is_whitespace() && !c.is_control() && !is_ignorable(c)
}

/// Characters that display as nothing (Unicode property Default_Ignorable_Code_Point).
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn is_punycode(label: &str) -> bool {
    label.starts_with("xn--")
}

/// Labels of letters, digits and inner hyphens (RFC 1123 §2.1), at least two of them, the last one no number.
fn is_host_name(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let ends_in_number =
        domain.rsplit('.').next().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
    domain.len() <= DOMAIN_BYTES_MAX
        && domain.contains('.')
        && !ends_in_number
        && domain.split('.').all(is_label)
}

/// Second-level names of the public mail providers (spec 01a §3), under whatever top-level domain.
const COMMON_NAMES: &[&str] = &[
    "gmail",
    "googlemail",
    "aol",
    "yahoo",
    "ymail",
    "icloud",
    "me",
    "mac",
    "hotmail",
    "msn",
    "live",
    "outlook",
    "comcast",
    "att",
    "earthlink",
    "sbcglobal",
    "verizon",
    "ig",
    "mail",
    "hey",
    "laposte",
    "wanadoo",
    "orange",
    "rediffmail",
    "uol",
    "bol",
    "free",
    "gmx",
    "yandex",
    "libero",
];

/// Whether a domain belongs to a public mail provider, so that it cannot stand for one organization (spec 01a §3).
///
/// The name just below the public suffix decides: `gmail.com`, `yahoo.co.uk` and `mail.yahoo.com` are common,
/// `gmail.example.com` is not. Expects the form of [`parse_domain`].
pub fn is_common_domain(domain: &str) -> bool {
    registered_name(domain).is_some_and(|name| COMMON_NAMES.contains(&name))
}

/// Second-level domains under which the registries of countries sell names. Not `me` (`me.uk`), which as a name of
/// its own is a mail provider's.
const REGISTRY_NAMES: &[&str] =
    &["ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "ltd", "ne", "net", "nom", "or", "org", "plc"];

/// Whether a domain is like `co.uk`: names of unrelated owners stand below it.
pub(crate) fn is_registry_suffix(domain: &str) -> bool {
    match domain.split_once('.') {
        None => true,
        Some((name, country)) => country.len() == 2 && REGISTRY_NAMES.contains(&name),
    }
}

/// The label that the owner of a domain registered: `yahoo` of `mail.yahoo.co.uk`.
fn registered_name(domain: &str) -> Option<&str> {
    let mut labels = domain.rsplit('.');
    let (top, second) = (labels.next()?, labels.next()?);
    match labels.next() {
        Some(third) if top.len() == 2 && REGISTRY_NAMES.contains(&second) => Some(third),
        _ => Some(second),
    }
}

/// Well-known providers of throw-away mailboxes. Not complete and never will be: there are thousands.
const DISPOSABLE_DOMAINS: &[&str] = &[
    "10minutemail.com",
    "10minutemail.net",
    "20minutemail.com",
    "anonbox.net",
    "burnermail.io",
    "discard.email",
    "discardmail.com",
    "dispostable.com",
    "emailondeck.com",
    "fakeinbox.com",
    "fakemail.net",
    "getairmail.com",
    "getnada.com",
    "grr.la",
    "guerrillamail.biz",
    "guerrillamail.com",
    "guerrillamail.de",
    "guerrillamail.info",
    "guerrillamail.net",
    "guerrillamail.org",
    "guerrillamailblock.com",
    "harakirimail.com",
    "inboxkitten.com",
    "incognitomail.org",
    "jetable.org",
    "mail-temp.com",
    "mailcatch.com",
    "maildrop.cc",
    "mailexpire.com",
    "mailinator.com",
    "mailinator.net",
    "mailnesia.com",
    "mailnull.com",
    "mailpoof.com",
    "mintemail.com",
    "moakt.com",
    "mohmal.com",
    "mytemp.email",
    "mytrashmail.com",
    "nada.email",
    "pokemail.net",
    "sharklasers.com",
    "spam4.me",
    "spamgourmet.com",
    "spambog.com",
    "spamex.com",
    "temp-mail.io",
    "temp-mail.org",
    "tempail.com",
    "tempinbox.com",
    "tempmail.com",
    "tempmail.net",
    "tempmailo.com",
    "tempr.email",
    "throwawaymail.com",
    "trash-mail.com",
    "trashmail.com",
    "trashmail.de",
    "trashmail.net",
    "wegwerfmail.de",
    "yopmail.com",
    "yopmail.fr",
    "yopmail.net",
];

/// Whether a domain is, or lies below, one of a well-known provider of throw-away mailboxes.
///
/// Expects the form of [`parse_domain`].
pub fn is_disposable_domain(domain: &str) -> bool {
    std::iter::successors(Some(domain), |rest| rest.split_once('.').map(|(_, parent)| parent))
        .any(|domain| DISPOSABLE_DOMAINS.contains(&domain))
}

/// Whether an organization must not be named after a domain: it is a public provider's or a school's (spec 01b §5).
///
/// Chosen: `.edu` includes the academic domains of countries (`edu.au`, `ac.uk`). Expects the form of
/// [`parse_domain`].
pub fn is_personal_or_edu(domain: &str) -> bool {
    let mut labels = domain.rsplit('.');
    let is_academic = match (labels.next(), labels.next()) {
        (Some("edu"), _) => true,
        (Some(country), Some("edu" | "ac")) => country.len() == 2,
        _ => false,
    };
    is_academic || is_common_domain(domain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(text: &str) -> Option<String> {
        EmailAddress::parse(text).map(|email| email.to_string())
    }

    #[test]
    fn addresses_are_brought_into_one_form() {
        for (given, expected) in [
            ("ada@example.com", "ada@example.com"),
            ("Ada.Lovelace@Example.COM", "ada.lovelace@example.com"),
            ("ada+tag@sub.example.co.uk", "ada+tag@sub.example.co.uk"),
            ("o'hara!#$%&*/=?^_`{|}~-@example.com", "o'hara!#$%&*/=?^_`{|}~-@example.com"),
            ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
            ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
            ("ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah"),
            ("ada@123.example", "ada@123.example"),
            ("a@b.co", "a@b.co"),
            ("ada@go.co", "ada@go.co"),
        ] {
            assert_eq!(normal(given).as_deref(), Some(expected), "{given}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "ada@localhost",
            "ada@@example.com",
            "ada@example.com@evil.example",
            " ada@example.com",
            "ada@example.com ",
            "ada@example.com\n",
            "ada@example.com\r\nBcc: eve@evil.example",
            "ada @example.com",
            ".ada@example.com",
            "ada.@example.com",
            "a..da@example.com",
            "\"ada\"@example.com",
            "\"a@b\"@example.com",
            "ada(comment)@example.com",
            "Ada <ada@example.com>",
            "ada,eve@example.com",
            "ada;eve@example.com",
            "ada:x@example.com",
            "ada\\@example.com",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "ada@0x7f.1",
            "ada@example.123",
            "ada@.example.com",
            "ada@example.com.",
            "ada@example..com",
            "ada@-example.com",
            "ada@example-.com",
            "ada@exa_mple.com",
            "ada@exam%70le.com",
            "ada@example.com:25",
            "ada@example.com/path",
            "ada@*.example.com",
            "ada\0@example.com",
            "ada@example.com\0",
        ] {
            assert_eq!(normal(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn addresses_that_look_like_others_are_refused() {
        for wrong in [
            "\u{430}da@example.com",         // Cyrillic а
            "ada\u{200b}@example.com",       // zero-width space
            "ada@exam\u{200b}ple.com",       // the same in the domain
            "ada@exam\u{ad}ple.com",         // soft hyphen
            "ada@exam\u{200d}ple.com",       // zero-width joiner
            "ada@\u{202e}moc.elpmaxe",       // right-to-left override
            "ada@ｅxample.com",              // full-width letter, which becomes an ordinary one
            "ada@example\u{3002}com",        // ideographic full stop
            "ada@example\u{ff0e}com",        // full-width full stop
            "ada@\u{fb01}n.example",         // ligature ﬁ, which becomes two letters
            "ada\u{ff20}example.com",        // full-width @
            "ada@ex\u{2100}mple.com",        // ℀, which becomes a/c
            "ada@xn--example-.com",          // punycode of nothing but ASCII (RUSTSEC-2024-0421)
            "ada@xn--zzzzzzzzzzz999999.com", // no punycode at all
        ] {
            assert_eq!(normal(wrong), None, "{wrong:?}");
        }
        // A Cyrillic look-alike of a whole domain is another domain, and shows as one.
        assert_eq!(normal("ada@\u{435}xample.com").as_deref(), Some("ada@xn--xample-2of.com"));
    }

    #[test]
    fn lengths_are_those_of_the_standard() {
        let label = "d".repeat(63);
        let local = "a".repeat(64);
        assert!(normal(&format!("{local}@example.com")).is_some());
        assert!(normal(&format!("{local}a@example.com")).is_none());
        assert!(normal(&format!("a@{label}.com")).is_some());
        assert!(normal(&format!("a@{label}d.com")).is_none());
        let longest = format!("{local}@{label}.{label}.{}.com", "d".repeat(57));
        assert_eq!(longest.len(), 254);
        assert!(normal(&longest).is_some());
        assert!(normal(&longest.replace(".com", ".info")).is_none());
    }

    #[test]
    fn an_address_comes_apart_at_its_sign() {
        let email = EmailAddress::parse("Ada@Example.com").expect("an address");
        assert_eq!((email.local_part(), email.domain()), ("ada", "example.com"));
        assert_eq!(serde_json::to_value(&email).expect("JSON"), "ada@example.com");
    }

    #[test]
    fn domains_are_brought_into_one_form() {
        for (given, expected) in [
            ("Example.COM", Some("example.com")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("a.b.c.example.co.uk", Some("a.b.c.example.co.uk")),
            ("co.uk", None),
            ("com.br", None),
            ("com", None),
            ("localhost", None),
            ("*.example.com", None),
            ("example.com.", None),
            ("example.com:443", None),
            ("https://example.com", None),
            ("ada@example.com", None),
            ("127.0.0.1", None),
            ("[::1]", None),
            ("2130706433", None),
            (" example.com", None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(parse_domain(given).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn public_providers_are_common_under_every_suffix() {
        for name in COMMON_NAMES {
            for suffix in ["com", "fr", "co.uk", "com.br", "co.jp", "example"] {
                assert!(is_common_domain(&format!("{name}.{suffix}")), "{name}.{suffix}");
                assert!(is_common_domain(&format!("mx.{name}.{suffix}")), "mx.{name}.{suffix}");
            }
        }
        for other in
            ["example.com", "gmail.example.com", "mygmail.com", "gmail-app.com", "free.example.co.uk", "uk"]
        {
            assert!(!is_common_domain(other), "{other}");
        }
    }

    #[test]
    fn disposable_providers_are_known_with_their_subdomains() {
        for domain in ["mailinator.com", "ada.mailinator.com", "yopmail.com"] {
            assert!(is_disposable_domain(domain), "{domain}");
        }
        for domain in ["example.com", "notmailinator.com", "mailinator.com.example", "com"] {
            assert!(!is_disposable_domain(domain), "{domain}");
        }
    }

    #[test]
    fn organizations_are_not_named_after_providers_and_schools() {
        for domain in ["gmail.com", "yahoo.co.uk", "mit.edu", "cs.mit.edu", "anu.edu.au", "ox.ac.uk"] {
            assert!(is_personal_or_edu(domain), "{domain}");
        }
        for domain in ["example.com", "edu.example.com", "myedu.com", "ac.example"] {
            assert!(!is_personal_or_edu(domain), "{domain}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_a_panic(text: String) {
            let _ = EmailAddress::parse(&text);
            let _ = parse_domain(&text);
        }

        #[test]
        fn the_normal_form_is_its_own_normal_form(text in r"[A-Za-z0-9.+'\-]{1,20}@(\PC{1,8}|[a-zäßéа-я\-]{1,10})\.([a-zA-Z]{2,5}|\PC{1,4})") {
            if let Some(email) = EmailAddress::parse(&text) {
                let again = EmailAddress::parse(email.as_str());
                prop_assert_eq!(Some(&email), again.as_ref());
                prop_assert!(email.as_str().is_ascii() && email.as_str().len() <= ADDRESS_BYTES_MAX);
                prop_assert!(!email.as_str().contains(|c: char| c.is_ascii_uppercase() || c.is_whitespace()));
                prop_assert_eq!(format!("{}@{}", email.local_part(), email.domain()), email.as_str());
            }
        }

        #[test]
        fn ordinary_addresses_are_accepted(text in r"[a-z0-9]{1,20}(\.[a-z0-9]{1,10})?@[a-z]{1,20}(-[a-z0-9]{1,9})?\.(com|dev|example)") {
            prop_assert_eq!(normal(&text), Some(text));
        }
    }
}
