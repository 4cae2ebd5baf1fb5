//! Phone numbers in E.164 form, and the countries that messages may be sent to (spec 01b §4).
//!
//! A text message costs money, and fraud rings earn by making servers send them to numbers of their own. The
//! allow-list of countries is what stops them, so a number is attributed to the country that really bills it:
//! `+1 242` is the Bahamas, not the United States, and `+44 7624` the Isle of Man, not Great Britain. Ranges that
//! are no country's (toll-free, personal, satellite) belong to none and are never allowed.

use std::fmt;

use serde::{Serialize, Serializer};

/// A phone number in E.164 form, `+` and 7 to 15 digits: `+12025550123`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads a number that is already in E.164 form. Nothing is trimmed or repaired.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let is_e164 = (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        // The North American plan has one fixed length, so that anything else is a typing error.
        let has_plan_length = !digits.starts_with('1') || digits.len() == 11;
        (is_e164 && has_plan_length).then(|| Self(text.to_owned()))
    }

    /// The number with its `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The country that the number belongs to, as an ISO 3166-1 code such as `US`.
    ///
    /// `None` for ranges that are no country's: toll-free and premium ones of North America, personal numbers,
    /// satellites, calling codes that nobody has. North American area codes that are not known to be another
    /// country's count as those of the United States.
    pub fn country(&self) -> Option<&'static str> {
        let digits = &self.0[1..];
        match digits.strip_prefix('1') {
            Some(national) => north_american_country(national),
            None => country_of_longest_prefix(digits),
        }
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for PhoneNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Whether a number belongs to one of the allowed countries, given as ISO 3166-1 codes in any letter case.
///
/// The territories of a country have codes of their own: `US` does not include Puerto Rico (`PR`).
pub fn is_allowed(number: &PhoneNumber, allowed: &[&str]) -> bool {
    number.country().is_some_and(|country| allowed.iter().any(|code| code.eq_ignore_ascii_case(country)))
}

/// Area codes of the North American Numbering Plan outside the United States, by country.
const NORTH_AMERICAN_AREAS: &[(&str, &[u16])] = &[
    (
        "CA",
        &[
            204, 226, 236, 249, 250, 257, 263, 273, 289, 306, 343, 354, 365, 367, 368, 382, 387, 403, 416,
            418, 428, 431, 437, 438, 450, 460, 468, 474, 506, 514, 519, 537, 548, 568, 579, 581, 584, 587,
            604, 613, 639, 647, 672, 683, 705, 709, 742, 753, 778, 780, 782, 807, 819, 825, 851, 867, 873,
            879, 902, 905, 942,
        ],
    ),
    ("AG", &[268]),
    ("AI", &[264]),
    ("AS", &[684]),
    ("BB", &[246]),
    ("BM", &[441]),
    ("BS", &[242]),
    ("DM", &[767]),
    ("DO", &[809, 829, 849]),
    ("GD", &[473]),
    ("GU", &[671]),
    ("JM", &[658, 876]),
    ("KN", &[869]),
    ("KY", &[345]),
    ("LC", &[758]),
    ("MP", &[670]),
    ("MS", &[664]),
    ("PR", &[787, 939]),
    ("SX", &[721]),
    ("TC", &[649]),
    ("TT", &[868]),
    ("VC", &[784]),
    ("VG", &[284]),
    ("VI", &[340]),
];

/// The country of ten digits of the North American Numbering Plan: `NXX NXX XXXX`, where `N` is 2 to 9.
fn north_american_country(national: &str) -> Option<&'static str> {
    let area: u16 = national.get(..3)?.parse().ok()?;
    let exchange: u16 = national.get(3..6)?.parse().ok()?;
    let is_special = |code: u16| code < 200 || code % 100 == 11;
    // The middle digit 9 is kept for a longer plan to come, two decades for other expansions.
    let is_unassigned = (area / 10) % 10 == 9 || matches!(area / 10, 37 | 96);
    if is_special(area) || is_special(exchange) || is_unassigned || is_non_geographic(area) {
        return None;
    }
    let elsewhere = NORTH_AMERICAN_AREAS.iter().find(|(_, areas)| areas.contains(&area));
    Some(elsewhere.map_or("US", |(country, _)| *country))
}

/// Toll-free, personal, premium, government and carrier codes, which are no country's.
fn is_non_geographic(area: u16) -> bool {
    let is_doubled = (area / 10) % 10 == area % 10;
    let is_personal = matches!(area,
        500 | 521..=529 | 532 | 533 | 535 | 538 | 542..=547 | 549 | 550 | 552..=554 | 556 | 566 | 569 | 577 | 578
        | 588 | 589);
    is_personal
        || (matches!(area / 100, 6 | 8) && is_doubled)
        || matches!(area, 456 | 700 | 710 | 880..=889 | 900)
}

/// Calling codes, and longer prefixes where a part of a plan is another country's, or no country's (empty). Sorted.
#[rustfmt::skip]
const PREFIXES: &[(&str, &str)] = &[
    ("20", "EG"), ("211", "SS"), ("212", "MA"), ("2125288", "EH"), ("2125289", "EH"), ("213", "DZ"),
    ("216", "TN"), ("218", "LY"), ("220", "GM"), ("221", "SN"), ("222", "MR"), ("223", "ML"), ("224", "GN"),
    ("225", "CI"), ("226", "BF"), ("227", "NE"), ("228", "TG"), ("229", "BJ"), ("230", "MU"), ("231", "LR"),
    ("232", "SL"), ("233", "GH"), ("234", "NG"), ("235", "TD"), ("236", "CF"), ("237", "CM"), ("238", "CV"),
    ("239", "ST"), ("240", "GQ"), ("241", "GA"), ("242", "CG"), ("243", "CD"), ("244", "AO"), ("245", "GW"),
    ("246", "IO"), ("247", "SH"), ("248", "SC"), ("249", "SD"), ("250", "RW"), ("251", "ET"), ("252", "SO"),
    ("253", "DJ"), ("254", "KE"), ("255", "TZ"), ("256", "UG"), ("257", "BI"), ("258", "MZ"), ("260", "ZM"),
    ("261", "MG"), ("262", "RE"), ("262269", "YT"), ("262639", "YT"), ("263", "ZW"), ("264", "NA"),
    ("265", "MW"), ("266", "LS"), ("267", "BW"), ("268", "SZ"), ("269", "KM"), ("27", "ZA"), ("290", "SH"),
    ("291", "ER"), ("297", "AW"), ("298", "FO"), ("299", "GL"), ("30", "GR"), ("31", "NL"), ("32", "BE"),
    ("33", "FR"), ("34", "ES"), ("350", "GI"), ("351", "PT"), ("352", "LU"), ("353", "IE"), ("354", "IS"),
    ("355", "AL"), ("356", "MT"), ("357", "CY"), ("358", "FI"), ("35818", "AX"), ("359", "BG"), ("36", "HU"),
    ("370", "LT"), ("371", "LV"), ("372", "EE"), ("373", "MD"), ("374", "AM"), ("375", "BY"), ("376", "AD"),
    ("377", "MC"), ("378", "SM"), ("380", "UA"), ("381", "RS"), ("382", "ME"), ("383", "XK"), ("385", "HR"),
    ("386", "SI"), ("387", "BA"), ("389", "MK"), ("39", "IT"), ("3906698", "VA"), ("40", "RO"), ("41", "CH"),
    ("420", "CZ"), ("421", "SK"), ("423", "LI"), ("43", "AT"), ("44", "GB"), ("441481", "GG"),
    ("441534", "JE"), ("441624", "IM"), ("4470", ""), ("447509", "JE"), ("447524", "IM"), ("4476", ""),
    ("447624", "IM"), ("447700", "JE"), ("447781", "GG"), ("447797", "JE"), ("447829", "JE"),
    ("447839", "GG"), ("447911", "GG"), ("447924", "IM"), ("447937", "JE"), ("45", "DK"), ("46", "SE"),
    ("47", "NO"), ("4779", "SJ"), ("48", "PL"), ("49", "DE"), ("500", "FK"), ("501", "BZ"), ("502", "GT"),
    ("503", "SV"), ("504", "HN"), ("505", "NI"), ("506", "CR"), ("507", "PA"), ("508", "PM"), ("509", "HT"),
    ("51", "PE"), ("52", "MX"), ("53", "CU"), ("54", "AR"), ("55", "BR"), ("56", "CL"), ("57", "CO"),
    ("58", "VE"), ("590", "GP"), ("591", "BO"), ("592", "GY"), ("593", "EC"), ("594", "GF"), ("595", "PY"),
    ("596", "MQ"), ("597", "SR"), ("598", "UY"), ("5993", "BQ"), ("5994", "BQ"), ("5997", "BQ"),
    ("5999", "CW"), ("60", "MY"), ("61", "AU"), ("6189162", "CC"), ("6189164", "CX"), ("62", "ID"),
    ("63", "PH"), ("64", "NZ"), ("65", "SG"), ("66", "TH"), ("670", "TL"), ("672", "NF"), ("673", "BN"),
    ("674", "NR"), ("675", "PG"), ("676", "TO"), ("677", "SB"), ("678", "VU"), ("679", "FJ"), ("680", "PW"),
    ("681", "WF"), ("682", "CK"), ("683", "NU"), ("685", "WS"), ("686", "KI"), ("687", "NC"), ("688", "TV"),
    ("689", "PF"), ("690", "TK"), ("691", "FM"), ("692", "MH"), ("7", "RU"), ("76", "KZ"), ("77", "KZ"),
    ("81", "JP"), ("82", "KR"), ("84", "VN"), ("850", "KP"), ("852", "HK"), ("853", "MO"), ("855", "KH"),
    ("856", "LA"), ("86", "CN"), ("880", "BD"), ("886", "TW"), ("90", "TR"), ("91", "IN"), ("92", "PK"),
    ("93", "AF"), ("94", "LK"), ("95", "MM"), ("960", "MV"), ("961", "LB"), ("962", "JO"), ("963", "SY"),
    ("964", "IQ"), ("965", "KW"), ("966", "SA"), ("967", "YE"), ("968", "OM"), ("970", "PS"), ("971", "AE"),
    ("972", "IL"), ("973", "BH"), ("974", "QA"), ("975", "BT"), ("976", "MN"), ("977", "NP"), ("98", "IR"),
    ("992", "TJ"), ("993", "TM"), ("994", "AZ"), ("995", "GE"), ("996", "KG"), ("998", "UZ"),
];

/// Digits in the longest of the [`PREFIXES`].
const PREFIX_DIGITS_MAX: usize = 7;

fn country_of_longest_prefix(digits: &str) -> Option<&'static str> {
    (1..=PREFIX_DIGITS_MAX.min(digits.len()))
        .rev()
        .find_map(|length| PREFIXES.binary_search_by_key(&&digits[..length], |(prefix, _)| prefix).ok())
        .map(|found| PREFIXES[found].1)
        .filter(|country| !country.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn country(number: &str) -> Option<&'static str> {
        PhoneNumber::parse(number).unwrap_or_else(|| panic!("{number} is a number")).country()
    }

    #[test]
    fn only_e164_is_a_number() {
        for right in
            ["+12025550123", "+10000000000", "+442071838750", "+3725123456", "+2901234", "+491512345678901"]
        {
            assert_eq!(PhoneNumber::parse(right).map(|number| number.to_string()).as_deref(), Some(right));
        }
        for wrong in [
            "",
            "+",
            "12025550123",
            "0012025550123",
            "+02025550123",
            "+1202555012",
            "+120255501234",
            "+123456",
            "+4915123456789012",
            "+1 202 555 0123",
            "+1-202-555-0123",
            "+1(202)5550123",
            " +12025550123",
            "+12025550123\n",
            "++12025550123",
            "+1202555O123",
            "+١٢٠٢٥٥٥٠١٢٣",
            "＋12025550123",
        ] {
            assert_eq!(PhoneNumber::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn numbers_of_the_shared_plan_belong_to_the_country_that_bills_them() {
        for (number, expected) in [
            ("+12025550123", Some("US")),
            ("+12125550123", Some("US")),
            ("+13805550123", Some("US")),
            ("+14165550123", Some("CA")),
            ("+13825550123", Some("CA")),
            ("+12425550123", Some("BS")),
            ("+18765550123", Some("JM")),
            ("+17875550123", Some("PR")),
            ("+18095550123", Some("DO")),
            ("+18005550123", None),
            ("+18885550123", None),
            ("+18865550123", None),
            ("+12735550123", Some("CA")),
            ("+19005550123", None),
            ("+15005550006", None),
            ("+16005550123", None),
            ("+17005550123", None),
            ("+10000000000", None),
            ("+11234567890", None),
            ("+12021550123", None),
            ("+12029110123", None),
            ("+19115550123", None),
            ("+12905550123", None),
            ("+13705550123", None),
        ] {
            assert_eq!(country(number), expected, "{number}");
        }
    }

    #[test]
    fn numbers_within_anothers_code_belong_to_their_own_country() {
        for (number, expected) in [
            ("+442071838750", Some("GB")),
            ("+447400123456", Some("GB")),
            ("+447624123456", Some("IM")),
            ("+447797123456", Some("JE")),
            ("+447781123456", Some("GG")),
            ("+447012345678", None),
            ("+79161234567", Some("RU")),
            ("+77011234567", Some("KZ")),
            ("+4915123456789", Some("DE")),
            ("+390612345678", Some("IT")),
            ("+390669812345", Some("VA")),
            ("+358181234567", Some("AX")),
            ("+59995181234", Some("CW")),
            ("+61412345678", Some("AU")),
            ("+551123456789", Some("BR")),
            ("+8613123456789", Some("CN")),
            ("+881612345678", None),
            ("+80012345678", None),
            ("+21012345678", None),
        ] {
            assert_eq!(country(number), expected, "{number}");
        }
    }

    #[test]
    fn only_listed_countries_are_allowed() {
        let number = |text| PhoneNumber::parse(text).expect("a number");
        let default = ["US", "CA"];
        assert!(is_allowed(&number("+12025550123"), &default));
        assert!(is_allowed(&number("+14165550123"), &default));
        assert!(!is_allowed(&number("+12425550123"), &default));
        assert!(!is_allowed(&number("+18005550123"), &default));
        assert!(!is_allowed(&number("+442071838750"), &default));
        assert!(is_allowed(&number("+442071838750"), &["gb"]));
        assert!(!is_allowed(&number("+12025550123"), &[]));
    }

    #[test]
    fn the_tables_can_be_searched() {
        assert!(PREFIXES.is_sorted_by(|(left, _), (right, _)| left < right));
        assert_eq!(PREFIXES.iter().map(|(prefix, _)| prefix.len()).max(), Some(PREFIX_DIGITS_MAX));
        let mut areas: Vec<u16> =
            NORTH_AMERICAN_AREAS.iter().flat_map(|(_, areas)| areas.iter().copied()).collect();
        areas.sort_unstable();
        assert!(areas.is_sorted_by(|left, right| left < right), "an area code is listed twice");
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_a_panic(text: String) {
            let _ = PhoneNumber::parse(&text).map(|number| number.country());
        }

        #[test]
        fn any_digits_have_at_most_one_country(digits in "[1-9][0-9]{6,14}") {
            if let Some(number) = PhoneNumber::parse(&format!("+{digits}")) {
                let country = number.country();
                prop_assert_eq!(is_allowed(&number, &["US"]), country == Some("US"));
            }
        }
    }
}
