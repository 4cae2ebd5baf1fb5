//! Passwords: which ones are good enough (spec 01c §1).
//!
//! A project chooses one of two measures. Under `ZXCVBN` a password must withstand guessing: `correct horse battery
//! staple` passes, `P@ssw0rd1` does not. Under `LUDS` it must be long enough and mix kinds of characters: **l**ower
//! case, **u**pper case, **d**igits, **s**ymbols. Beside either, a project may refuse passwords that are known from
//! breaches of other sites.
//!
//! [`judge`] takes the policy, the password and what was found out about breaches, and says all that a form needs to
//! help; [`Strength::require`] turns it into a refusal.

use crate::error::{Error, ErrorType};
use crate::wire_enum;
use serde::{Deserialize, Serialize};
use std::fmt;
use zxcvbn::feedback::Warning;

/// The longest password, in bytes (chosen; spec 01c §1). Hashing reads all of them.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// The least zxcvbn score of a valid password, of 0 to 4 (spec 01c §1).
pub const ZXCVBN_SCORE_MIN: u8 = 3;
/// How many characters the zxcvbn measure reads. Its time grows with their square, and more than this nobody guesses.
pub const ZXCVBN_CHARS_MAX: usize = 64;
/// The bounds of the least length that a LUDS policy may ask for, in characters.
pub const LUDS_LENGTH: std::ops::RangeInclusive<u32> = 8..=32;
/// The bounds of the number of kinds of characters that a LUDS policy may ask for.
pub const LUDS_COMPLEXITY: std::ops::RangeInclusive<u32> = 1..=4;

/// A password as a person typed it: any characters but NUL, up to [`PASSWORD_BYTES_MAX`] bytes, taken as they are
/// (no normalisation, chosen). It prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Takes a text that is short enough to be a password. An empty text is one too: a wrong or a weak one.
    ///
    /// # Errors
    /// `invalid_request_value` for a text that is too long or has a NUL in it, which no keyboard types and where some
    /// schemes would stop reading.
    pub fn new(text: &str) -> Result<Self, Error> {
        if text.len() > PASSWORD_BYTES_MAX || text.contains('\0') {
            return Err(ErrorType::InvalidRequestValue.with_message(format!(
                "The password may have at most {PASSWORD_BYTES_MAX} bytes and no NUL character."
            )));
        }
        Ok(Password(text.to_owned()))
    }

    /// The password itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its bytes in UTF-8, which are what is hashed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

wire_enum! {
    /// How the strength of passwords is measured.
    StrengthPolicy {
        /// By how many guesses an attacker would need.
        Zxcvbn = "ZXCVBN",
        /// By length and kinds of characters.
        Luds = "LUDS",
    }
}

impl StrengthPolicy {
    /// The name in answers to strength checks.
    pub fn wire_name(self) -> &'static str {
        match self {
            StrengthPolicy::Zxcvbn => "zxcvbn",
            StrengthPolicy::Luds => "luds",
        }
    }
}

/// What a project asks of passwords (`password_strength_config`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordPolicy {
    /// How strength is measured.
    pub validation_policy: StrengthPolicy,
    /// Under LUDS, the least number of characters.
    pub luds_min_password_length: u32,
    /// Under LUDS, how many of lower case, upper case, digits and symbols must be there.
    pub luds_min_password_complexity: u32,
    /// Whether new passwords are looked up among breached ones.
    pub check_breach_on_creation: bool,
    /// Whether passwords are looked up again when they are used.
    pub check_breach_on_authentication: bool,
    /// Whether a password that the policy would not accept any more must be reset when it is used.
    pub validate_on_authentication: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        PasswordPolicy {
            validation_policy: StrengthPolicy::Zxcvbn,
            luds_min_password_length: 8,
            luds_min_password_complexity: 3,
            check_breach_on_creation: true,
            check_breach_on_authentication: true,
            validate_on_authentication: false,
        }
    }
}

impl PasswordPolicy {
    /// Refuses bounds that are out of bounds.
    ///
    /// # Errors
    /// `invalid_password_strength_luds_length`, `invalid_password_strength_luds_complexity`.
    pub fn validate(&self) -> Result<(), ErrorType> {
        if !LUDS_LENGTH.contains(&self.luds_min_password_length) {
            return Err(ErrorType::InvalidPasswordStrengthLudsLength);
        }
        if !LUDS_COMPLEXITY.contains(&self.luds_min_password_complexity) {
            return Err(ErrorType::InvalidPasswordStrengthLudsComplexity);
        }
        Ok(())
    }
}

/// What the measure of the policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// By guesses.
    Zxcvbn {
        /// 0 (the first guess) to 4.
        score: u8,
        /// What makes the password weak, in English; empty when nothing does.
        warning: String,
        /// What would make it stronger, in English.
        suggestions: Vec<String>,
    },
    /// By length and kinds of characters.
    Luds(LudsFeedback),
}

/// Which kinds of characters a password has and what it lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LudsFeedback {
    /// A lower-case letter of any script.
    pub has_lower_case: bool,
    /// An upper-case letter of any script.
    pub has_upper_case: bool,
    /// A digit from 0 to 9.
    pub has_digit: bool,
    /// Anything else.
    pub has_symbol: bool,
    /// How many more kinds the policy asks for.
    pub missing_complexity: u32,
    /// How many more characters the policy asks for.
    pub missing_characters: u32,
}

/// What is known about a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strength {
    /// By the policy's measure.
    pub feedback: Feedback,
    /// Whether it was found among breached passwords.
    pub is_breached: bool,
}

impl Strength {
    /// Whether the password may be set.
    pub fn is_valid(&self) -> bool {
        self.is_strong() && !self.is_breached
    }

    /// Whether the password satisfies the policy's measure.
    pub fn is_strong(&self) -> bool {
        match &self.feedback {
            Feedback::Zxcvbn { score, .. } => *score >= ZXCVBN_SCORE_MIN,
            Feedback::Luds(feedback) => feedback.missing_complexity == 0 && feedback.missing_characters == 0,
        }
    }

    /// The score on the wire; 0 where the policy does not measure one (chosen).
    pub fn score(&self) -> u8 {
        match &self.feedback {
            Feedback::Zxcvbn { score, .. } => *score,
            Feedback::Luds(_) => 0,
        }
    }

    /// Refuses a password that may not be set.
    ///
    /// # Errors
    /// `weak_password` before `breached_password`.
    pub fn require(&self) -> Result<(), Error> {
        if !self.is_strong() {
            let reasons = self.reasons();
            return Err(match reasons.is_empty() {
                true => ErrorType::WeakPassword.into(),
                false => ErrorType::WeakPassword.with_message(reasons),
            });
        }
        if self.is_breached {
            return Err(ErrorType::BreachedPassword.into());
        }
        Ok(())
    }

    fn reasons(&self) -> String {
        match &self.feedback {
            Feedback::Zxcvbn { warning, suggestions, .. } => {
                let texts = std::iter::once(warning).chain(suggestions).filter(|text| !text.is_empty());
                texts.map(String::as_str).collect::<Vec<_>>().join(" ")
            }
            Feedback::Luds(feedback) => format!(
                "The password needs {} more characters and {} more of: lower case, upper case, digits, symbols.",
                feedback.missing_characters, feedback.missing_complexity
            ),
        }
    }
}

/// Measures a password. `hints` are words that an attacker would try first, such as the email address. Takes up
/// to [`judge_micros_max`].
pub fn judge(policy: &PasswordPolicy, password: &Password, hints: &[&str], is_breached: bool) -> Strength {
    let feedback = match policy.validation_policy {
        StrengthPolicy::Zxcvbn => zxcvbn_feedback(password.expose(), hints),
        StrengthPolicy::Luds => Feedback::Luds(luds_feedback(policy, password.expose())),
    };
    Strength { feedback, is_breached }
}

/// The most microseconds that [`judge`] takes for a password of this length, on one core: a quarter of a second for
/// long ones with a digit or sign in the place of every letter, a fraction of a millisecond for almost all others.
pub fn judge_micros_max(policy: &PasswordPolicy, password: &Password) -> u64 {
    match policy.validation_policy {
        StrengthPolicy::Zxcvbn => {
            let characters = password.expose().chars().take(ZXCVBN_CHARS_MAX).count();
            u64::try_from(60 * characters * characters).unwrap_or(u64::MAX)
        }
        StrengthPolicy::Luds => 10,
    }
}

fn zxcvbn_feedback(password: &str, hints: &[&str]) -> Feedback {
    let end = password.char_indices().nth(ZXCVBN_CHARS_MAX).map_or(password.len(), |(at, _)| at);
    let entropy = zxcvbn::zxcvbn(&password[..end], hints);
    let feedback = entropy.feedback();
    let warning = feedback.and_then(|feedback| feedback.warning()).map(|warning| match warning {
        // The pre-built form translates the texts by their wording, and knows this one with quotes.
        Warning::SequencesLikeAbcAreEasyToGuess => {
            r#"Sequences like "abc" or "6543" are easy to guess."#.to_owned()
        }
        other => other.to_string(),
    });
    let suggestions = feedback.map(|feedback| feedback.suggestions()).unwrap_or_default();
    Feedback::Zxcvbn {
        score: entropy.score().into(),
        warning: warning.unwrap_or_default(),
        suggestions: suggestions.iter().map(ToString::to_string).collect(),
    }
}

fn luds_feedback(policy: &PasswordPolicy, password: &str) -> LudsFeedback {
    let mut found = LudsFeedback::default();
    let mut characters = 0;
    for character in password.chars() {
        characters += 1;
        match character {
            '0'..='9' => found.has_digit = true,
            _ if character.is_lowercase() => found.has_lower_case = true,
            _ if character.is_uppercase() => found.has_upper_case = true,
            _ => found.has_symbol = true,
        }
    }
    let kinds = [found.has_lower_case, found.has_upper_case, found.has_digit, found.has_symbol];
    let present = kinds.into_iter().map(u32::from).sum();
    found.missing_complexity = policy.luds_min_password_complexity.saturating_sub(present);
    found.missing_characters = policy.luds_min_password_length.saturating_sub(characters);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn luds(length: u32, complexity: u32) -> PasswordPolicy {
        PasswordPolicy {
            validation_policy: StrengthPolicy::Luds,
            luds_min_password_length: length,
            luds_min_password_complexity: complexity,
            ..PasswordPolicy::default()
        }
    }

    fn strength(policy: &PasswordPolicy, password: &str, is_breached: bool) -> Strength {
        judge(policy, &Password::new(password).unwrap(), &["ada@acme.example"], is_breached)
    }

    fn refusal(strength: &Strength) -> Option<ErrorType> {
        strength.require().err().map(|error| error.kind)
    }

    #[test]
    fn zxcvbn_passwords_are_valid_from_a_score_of_three() {
        let policy = PasswordPolicy::default();
        for (password, score) in
            [("", 0), ("password", 0), ("P@ssw0rd1", 1), ("correct horse battery staple", 4)]
        {
            let found = strength(&policy, password, false);
            assert_eq!(found.score(), score, "{password}");
            assert_eq!(found.is_valid(), score >= 3, "{password}");
            assert_eq!(refusal(&found), (score < 3).then_some(ErrorType::WeakPassword), "{password}");
        }
    }

    /// The words are those that the pre-built form translates.
    #[test]
    fn a_weak_password_is_told_what_is_weak_about_it() {
        for (password, expected) in [
            ("abcdefgh", r#"Sequences like "abc" or "6543" are easy to guess."#),
            ("password", "This is a top-10 common password."),
            ("aaaaaaaa", r#"Repeats like "aaa" are easy to guess."#),
        ] {
            let Feedback::Zxcvbn { warning, suggestions, .. } =
                strength(&PasswordPolicy::default(), password, false).feedback
            else {
                panic!("zxcvbn feedback")
            };
            assert_eq!(warning, expected);
            assert!(!suggestions.is_empty());
        }
    }

    #[test]
    fn the_own_address_is_a_bad_password() {
        let policy = PasswordPolicy::default();
        let address = Password::new("zkqxvw@vqzkxj.example").unwrap();
        let strong = judge(&policy, &address, &[], false);
        let weak = judge(&policy, &address, &["zkqxvw@vqzkxj.example"], false);
        assert_eq!((strong.is_valid(), weak.is_valid()), (true, false));
    }

    #[test]
    fn only_so_many_characters_are_measured() {
        let policy = PasswordPolicy::default();
        for text in ["4@8({[<369&#!1/|0$5+7%2".repeat(40), "密".repeat(300), "é".repeat(64)] {
            let password = Password::new(&text).unwrap();
            assert!(judge_micros_max(&policy, &password) <= 250_000);
            judge(&policy, &password, &[], false);
        }
        assert!(judge_micros_max(&policy, &Password::new("hunter2").unwrap()) < 5_000);
    }

    #[test]
    fn luds_counts_characters_and_kinds() {
        for (length, complexity, password, missing_characters, missing_complexity) in [
            (8, 3, "", 8, 3),
            (8, 3, "Abcdef1", 1, 0),
            (8, 3, "Abcdefg1", 0, 0),
            (8, 4, "Abcdefg1", 0, 1),
            (8, 4, "Abcdef1!", 0, 0),
            (8, 1, "aaaaaaaa", 0, 0),
            (8, 2, "aaaaaaaa", 0, 1),
            // Code points and not bytes; letters of other scripts are letters, everything else is a symbol.
            (8, 3, "Äöüßäöü1", 0, 0),
            (8, 2, "密密密密密密密", 1, 1),
            (8, 2, "пАРОЛЬпар", 0, 0),
            (32, 1, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1, 0),
        ] {
            let found = strength(&luds(length, complexity), password, false);
            let Feedback::Luds(feedback) = found.feedback else { panic!("LUDS feedback") };
            assert_eq!(
                (feedback.missing_characters, feedback.missing_complexity),
                (missing_characters, missing_complexity),
                "{password}"
            );
            assert_eq!(found.is_valid(), missing_characters == 0 && missing_complexity == 0, "{password}");
            assert_eq!(found.score(), 0);
        }
    }

    #[test]
    fn a_breached_password_is_refused_after_a_weak_one() {
        let policy = PasswordPolicy::default();
        assert_eq!(refusal(&strength(&policy, "password", true)), Some(ErrorType::WeakPassword));
        let breached = strength(&policy, "correct horse battery staple", true);
        assert_eq!(refusal(&breached), Some(ErrorType::BreachedPassword));
        assert!(breached.is_strong() && !breached.is_valid());
    }

    #[test]
    fn policies_have_bounds() {
        use ErrorType::{InvalidPasswordStrengthLudsComplexity, InvalidPasswordStrengthLudsLength};
        for (length, complexity, expected) in [
            (8, 1, Ok(())),
            (32, 4, Ok(())),
            (7, 3, Err(InvalidPasswordStrengthLudsLength)),
            (33, 3, Err(InvalidPasswordStrengthLudsLength)),
            (8, 0, Err(InvalidPasswordStrengthLudsComplexity)),
            (8, 5, Err(InvalidPasswordStrengthLudsComplexity)),
        ] {
            assert_eq!(luds(length, complexity).validate(), expected, "{length} {complexity}");
        }
    }

    #[test]
    fn long_passwords_and_nul_are_refused_and_nothing_is_printed() {
        assert!(Password::new(&"x".repeat(PASSWORD_BYTES_MAX)).is_ok());
        for text in ["x".repeat(PASSWORD_BYTES_MAX + 1), "a\0b".to_owned()] {
            assert_eq!(Password::new(&text).unwrap_err().kind, ErrorType::InvalidRequestValue);
        }
        assert_eq!(format!("{:?}", Password::new("hunter2").unwrap()), "Password(***)");
    }

    proptest! {
        #[test]
        fn every_password_gets_an_answer(password in "[^\0]{0,60}", hint in ".{0,20}") {
            let password = Password::new(&password).unwrap();
            for policy in [PasswordPolicy::default(), luds(8, 4)] {
                let found = judge(&policy, &password, &[&hint], false);
                prop_assert_eq!(found.is_valid(), found.require().is_ok());
                prop_assert!(found.score() <= 4);
            }
        }
    }
}
