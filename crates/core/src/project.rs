//! Projects and their environments as operators name them (spec 05a §1), and what the key of an operator may do.

use crate::error::{Error, ErrorType};
use crate::ids::EnvironmentKind;
use crate::wire_enum;

/// The longest name of a project or an environment, in characters (chosen).
pub const NAME_CHARS_MAX: usize = 128;
/// The most secrets of an environment (chosen).
pub const SECRETS_MAX: usize = 20;
/// The most public tokens of an environment (chosen).
pub const PUBLIC_TOKENS_MAX: usize = 20;
/// The most redirect URLs of an environment (chosen).
pub const REDIRECT_URLS_MAX: usize = 500;
/// The most projects of a server (chosen).
pub const PROJECTS_MAX: usize = 1000;

wire_enum! {
    /// What a project is for.
    Vertical {
        /// Organizations and their members.
        B2b = "B2B",
        /// Single people. Such a project can be configured; the API answers none of its calls.
        Consumer = "CONSUMER",
    }
}

wire_enum! {
    /// What the key of an operator may change. Any key may read.
    KeyScope {
        /// Create, rename and delete projects and environments.
        AdminProjects = "admin:projects",
        /// Change whatever is set for an environment.
        ManageProjectSettings = "manage:project_settings",
        /// Create and delete secrets and public tokens.
        ManageApiKeys = "manage:api_keys",
        /// Act in the place of members.
        ImpersonateMembers = "impersonate:members",
    }
}

/// The word of the management API for a kind of environment: `LIVE` or `TEST`.
pub fn environment_type(kind: EnvironmentKind) -> &'static str {
    match kind {
        EnvironmentKind::Live => "LIVE",
        EnvironmentKind::Test => "TEST",
    }
}

/// Reads the word of the management API for a kind of environment.
pub fn parse_environment_type(word: &str) -> Option<EnvironmentKind> {
    EnvironmentKind::ALL.iter().copied().find(|kind| environment_type(*kind) == word)
}

/// Checks a slug of a project or an environment: it stands in paths as it is, so 2 to 128 characters that need no
/// escaping there (chosen, spec 05a §2), and not only dots, which paths resolve.
///
/// # Errors
/// `invalid_argument`.
pub fn validate_slug(slug: &str, field: &str) -> Result<(), Error> {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
    let fits = (2..=128).contains(&slug.len()) && slug.bytes().all(is_safe);
    if fits && slug.bytes().any(|byte| byte != b'.') {
        return Ok(());
    }
    Err(ErrorType::InvalidArgument
        .with_message(format!("{field} must have 2 to 128 letters, digits or any of - . _ ~")))
}

/// The slug of a project that names none: its name as far as it fits, and something random behind.
pub fn slug_of_name(name: &str, random: &str) -> String {
    let mut slug = String::new();
    for character in name.chars() {
        if slug.len() >= 40 {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    format!("{}-{random}", if slug.is_empty() { "project" } else { slug })
}

/// Checks the name of a project or an environment.
///
/// # Errors
/// `invalid_project_name`.
pub fn validate_name(name: &str) -> Result<(), Error> {
    let fits = !name.trim().is_empty()
        && name.chars().count() <= NAME_CHARS_MAX
        && !name.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(ErrorType::InvalidProjectName.into()) }
}

/// ISO 3166-1 alpha-2.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR \
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET \
    FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ \
    IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML \
    MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS \
    PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL \
    TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// Checks the countries that text messages may go to, and gives them sorted and each once.
///
/// # Errors
/// `country_code_allowlist_empty`, `country_code_allowlist_invalid_country_codes`.
pub fn country_allowlist(codes: &[String]) -> Result<Vec<String>, Error> {
    if codes.is_empty() {
        return Err(ErrorType::CountryCodeAllowlistEmpty.into());
    }
    if !codes.iter().all(|code| COUNTRIES.split(' ').any(|known| known == code)) {
        return Err(ErrorType::CountryCodeAllowlistInvalid.into());
    }
    let mut sorted = codes.to_vec();
    sorted.sort();
    sorted.dedup();
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_need_no_escaping() {
        for good in ["ab", "Acme-Notes_1.2~x", &"a".repeat(128)] {
            assert!(validate_slug(good, "project_slug").is_ok(), "{good}");
        }
        for bad in ["", "a", "..", "a/b", "a b", "ä1", "a%2F", &"a".repeat(129)] {
            assert!(validate_slug(bad, "project_slug").is_err(), "{bad}");
        }
    }

    #[test]
    fn slugs_follow_from_names() {
        assert_eq!(slug_of_name("Acme  Notes & Co.", "4f2a"), "acme-notes-co-4f2a");
        assert_eq!(slug_of_name("日本", "4f2a"), "project-4f2a");
        assert!(validate_slug(&slug_of_name(&"x".repeat(500), "4f2a"), "project_slug").is_ok());
    }

    #[test]
    fn country_lists_are_sorted_and_checked() {
        let list = |codes: &[&str]| {
            country_allowlist(&codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(list(&["US", "CA", "US"]).unwrap(), ["CA", "US"]);
        assert_eq!(list(&[]).unwrap_err().kind, ErrorType::CountryCodeAllowlistEmpty);
        for bad in ["us", "ZZ", "", "USA"] {
            assert_eq!(list(&[bad]).unwrap_err().kind, ErrorType::CountryCodeAllowlistInvalid, "{bad}");
        }
    }
}
