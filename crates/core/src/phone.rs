//! Phone numbers in E.164 form, and the countries that messages may be sent to (spec 01b §4).
//!
//! A text message costs money, and fraud rings earn by making servers send them to numbers of their own. The
//! allow-list of countries is what stops them, so a number is attributed to the country that really bills it:
//! `+1 242` is the Bahamas, not the United States, and `+44 7624` the Isle of Man, not Great Britain. Ranges that
//! are no country's, or that callers pay extra for, belong to none and are never allowed.

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
    /// `None` for toll-free, premium, personal, satellite and unassigned ranges.
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
            204, 226, 236, 249, 250, 257, 263, 289, 306, 343, 354, 365, 367, 368, 382, 387, 403, 416, 418,
            428, 431, 437, 438, 450, 460, 468, 474, 506, 514, 519, 537, 548, 568, 579, 581, 584, 587, 604,
            613, 639, 647, 672, 683, 705, 709, 742, 753, 778, 780, 782, 807, 819, 825, 851, 867, 873, 879,
            902, 905, 942,
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
    is_personal || (matches!(area / 100, 6 | 8) && is_doubled) || matches!(area, 456 | 700 | 710 | 900)
}

/// Calling codes, and longer prefixes where a part of a plan is another country's or no country's. Sorted.
#[rustfmt::skip]
const PREFIXES: &[(&str, Option<&str>)] = &[
    ("20", Some("EG")), ("211", Some("SS")), ("212", Some("MA")), ("2125288", Some("EH")),
    ("2125289", Some("EH")), ("213", Some("DZ")), ("216", Some("TN")), ("218", Some("LY")),
    ("220", Some("GM")), ("221", Some("SN")), ("222", Some("MR")), ("223", Some("ML")),
    ("224", Some("GN")), ("225", Some("CI")), ("226", Some("BF")), ("227", Some("NE")),
    ("228", Some("TG")), ("229", Some("BJ")), ("230", Some("MU")), ("231", Some("LR")),
    ("232", Some("SL")), ("233", Some("GH")), ("234", Some("NG")), ("235", Some("TD")),
    ("236", Some("CF")), ("237", Some("CM")), ("238", Some("CV")), ("239", Some("ST")),
    ("240", Some("GQ")), ("241", Some("GA")), ("242", Some("CG")), ("243", Some("CD")),
    ("244", Some("AO")), ("245", Some("GW")), ("246", Some("IO")), ("247", Some("SH")),
    ("248", Some("SC")), ("249", Some("SD")), ("250", Some("RW")), ("251", Some("ET")),
    ("252", Some("SO")), ("253", Some("DJ")), ("254", Some("KE")), ("255", Some("TZ")),
    ("256", Some("UG")), ("257", Some("BI")), ("258", Some("MZ")), ("260", Some("ZM")),
    ("261", Some("MG")), ("262", Some("RE")), ("262269", Some("YT")), ("262639", Some("YT")),
    ("263", Some("ZW")), ("264", Some("NA")), ("265", Some("MW")), ("266", Some("LS")),
    ("267", Some("BW")), ("268", Some("SZ")), ("269", Some("KM")), ("27", Some("ZA")), ("290", Some("SH")),
    ("291", Some("ER")), ("297", Some("AW")), ("298", Some("FO")), ("299", Some("GL")), ("30", Some("GR")),
    ("31", Some("NL")), ("32", Some("BE")), ("33", Some("FR")), ("34", Some("ES")), ("350", Some("GI")),
    ("351", Some("PT")), ("352", Some("LU")), ("353", Some("IE")), ("354", Some("IS")),
    ("355", Some("AL")), ("356", Some("MT")), ("357", Some("CY")), ("358", Some("FI")),
    ("35818", Some("AX")), ("359", Some("BG")), ("36", Some("HU")), ("370", Some("LT")),
    ("371", Some("LV")), ("372", Some("EE")), ("373", Some("MD")), ("374", Some("AM")),
    ("375", Some("BY")), ("376", Some("AD")), ("377", Some("MC")), ("378", Some("SM")),
    ("380", Some("UA")), ("381", Some("RS")), ("382", Some("ME")), ("383", Some("XK")),
    ("385", Some("HR")), ("386", Some("SI")), ("387", Some("BA")), ("389", Some("MK")), ("39", Some("IT")),
    ("3906698", Some("VA")), ("40", Some("RO")), ("41", Some("CH")), ("420", Some("CZ")),
    ("421", Some("SK")), ("423", Some("LI")), ("43", Some("AT")), ("44", Some("GB")),
    ("441481", Some("GG")), ("441534", Some("JE")), ("441624", Some("IM")), ("4470", None),
    ("447509", Some("JE")), ("447524", Some("IM")), ("4476", None), ("447624", Some("IM")),
    ("447700", Some("JE")), ("447781", Some("GG")), ("447797", Some("JE")), ("447829", Some("JE")),
    ("447839", Some("GG")), ("447911", Some("GG")), ("447924", Some("IM")), ("447937", Some("JE")),
    ("45", Some("DK")), ("46", Some("SE")), ("47", Some("NO")), ("4779", Some("SJ")), ("48", Some("PL")),
    ("49", Some("DE")), ("500", Some("FK")), ("501", Some("BZ")), ("502", Some("GT")), ("503", Some("SV")),
    ("504", Some("HN")), ("505", Some("NI")), ("506", Some("CR")), ("507", Some("PA")),
    ("508", Some("PM")), ("509", Some("HT")), ("51", Some("PE")), ("52", Some("MX")), ("53", Some("CU")),
    ("54", Some("AR")), ("55", Some("BR")), ("56", Some("CL")), ("57", Some("CO")), ("58", Some("VE")),
    ("590", Some("GP")), ("591", Some("BO")), ("592", Some("GY")), ("593", Some("EC")),
    ("594", Some("GF")), ("595", Some("PY")), ("596", Some("MQ")), ("597", Some("SR")),
    ("598", Some("UY")), ("5993", Some("BQ")), ("5994", Some("BQ")), ("5997", Some("BQ")),
    ("5999", Some("CW")), ("60", Some("MY")), ("61", Some("AU")), ("6189162", Some("CC")),
    ("6189164", Some("CX")), ("62", Some("ID")), ("63", Some("PH")), ("64", Some("NZ")),
    ("65", Some("SG")), ("66", Some("TH")), ("670", Some("TL")), ("6721", Some("AQ")),
    ("6723", Some("NF")), ("673", Some("BN")), ("674", Some("NR")), ("675", Some("PG")),
    ("676", Some("TO")), ("677", Some("SB")), ("678", Some("VU")), ("679", Some("FJ")),
    ("680", Some("PW")), ("681", Some("WF")), ("682", Some("CK")), ("683", Some("NU")),
    ("685", Some("WS")), ("686", Some("KI")), ("687", Some("NC")), ("688", Some("TV")),
    ("689", Some("PF")), ("690", Some("TK")), ("691", Some("FM")), ("692", Some("MH")), ("7", Some("RU")),
    ("76", Some("KZ")), ("77", Some("KZ")), ("81", Some("JP")), ("82", Some("KR")), ("84", Some("VN")),
    ("850", Some("KP")), ("852", Some("HK")), ("853", Some("MO")), ("855", Some("KH")),
    ("856", Some("LA")), ("86", Some("CN")), ("880", Some("BD")), ("886", Some("TW")), ("90", Some("TR")),
    ("91", Some("IN")), ("92", Some("PK")), ("93", Some("AF")), ("94", Some("LK")), ("95", Some("MM")),
    ("960", Some("MV")), ("961", Some("LB")), ("962", Some("JO")), ("963", Some("SY")),
    ("964", Some("IQ")), ("965", Some("KW")), ("966", Some("SA")), ("967", Some("YE")),
    ("968", Some("OM")), ("970", Some("PS")), ("971", Some("AE")), ("972", Some("IL")),
    ("973", Some("BH")), ("974", Some("QA")), ("975", Some("BT")), ("976", Some("MN")),
    ("977", Some("NP")), ("98", Some("IR")), ("992", Some("TJ")), ("993", Some("TM")), ("994", Some("AZ")),
    ("995", Some("GE")), ("996", Some("KG")), ("998", Some("UZ")),
];

/// Digits in the longest of the [`PREFIXES`].
const PREFIX_DIGITS_MAX: usize = 7;

fn country_of_longest_prefix(digits: &str) -> Option<&'static str> {
    (1..=PREFIX_DIGITS_MAX.min(digits.len())).rev().find_map(|length| {
        let found = PREFIXES.binary_search_by_key(&&digits[..length], |(prefix, _)| prefix).ok()?;
        Some(PREFIXES[found].1)
    })?
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
