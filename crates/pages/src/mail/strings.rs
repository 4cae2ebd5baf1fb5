//! The words of the mails, one table per language.
//!
//! Every sentence of a language is a field of [`Strings`], so a missing translation does not compile, and a test
//! compares the placeholders of all languages. Inside a sentence `{place}`, `{email}`, `{inviter}`, `{expiry}` and
//! `{code}` stand for values and may stand anywhere; `**` begins and ends strong text (left out of plain text).
//!
//! Voice: sentence case, no exclamation mark, nothing that asks for haste. What happened, what to do, what to do
//! if it was not you.

use ostiary_core::locale::Locale;

use super::{en, es, fr, pt_br};

/// All sentences of one language.
pub(super) struct Strings {
    /// Stands above the address that repeats the button.
    pub(super) fallback: &'static str,
    /// The last line: why this mail came, and what is never asked.
    pub(super) foot: &'static str,
    /// Sign-in link of an organization.
    pub(super) login: LinkLetter,
    /// Sign-up link of an organization.
    pub(super) signup: LinkLetter,
    /// Invitation by a member with a name.
    pub(super) invite: LinkLetter,
    /// Invitation without a named inviter.
    pub(super) invite_unsigned: LinkLetter,
    /// Sign-in link before an organization is chosen.
    pub(super) discovery_login: LinkLetter,
    /// Sign-in code.
    pub(super) code: CodeLetter,
    /// Code that confirms the address of somebody who joins.
    pub(super) code_signup: CodeLetter,
    /// Link that confirms a member's new address.
    pub(super) email_update_link: LinkLetter,
    /// Code that confirms a member's new address.
    pub(super) email_update_code: CodeLetter,
    /// Password reset.
    pub(super) reset_password: LinkLetter,
    /// First password of a member whose address is not confirmed yet.
    pub(super) verify_email: LinkLetter,
    /// Way out of a lock after too many failed sign-ins.
    pub(super) unlock: LinkLetter,
    /// Leads to the link that signs in without a password.
    pub(super) passwordless_question: &'static str,
    /// The words of that link.
    pub(super) passwordless_link: &'static str,
    /// How a time to live is said.
    pub(super) durations: Durations,
}

/// A mail with one button.
pub(super) struct LinkLetter {
    pub(super) subject: &'static str,
    /// Shown by mail programs after the subject, in the list of mails.
    pub(super) preheader: &'static str,
    pub(super) title: &'static str,
    pub(super) body: &'static str,
    pub(super) button: &'static str,
    /// What to do if it was not you.
    pub(super) note: &'static str,
}

/// A mail with a code.
pub(super) struct CodeLetter {
    pub(super) subject: &'static str,
    /// Shown by mail programs after the subject, in the list of mails.
    pub(super) preheader: &'static str,
    pub(super) title: &'static str,
    pub(super) body: &'static str,
    /// Stands below the code.
    pub(super) expiry: &'static str,
    /// What to do if it was not you.
    pub(super) note: &'static str,
}

/// Units of time: for one, for more. `{n}` is the number.
pub(super) struct Durations {
    /// Whether zero takes the form for one, as in French and Portuguese.
    pub(super) zero_is_one: bool,
    pub(super) minutes: [&'static str; 2],
    pub(super) hours: [&'static str; 2],
    pub(super) days: [&'static str; 2],
}

impl Strings {
    /// The table of a language.
    pub(super) fn of(locale: Locale) -> &'static Strings {
        match locale {
            Locale::En => &en::STRINGS,
            Locale::Es => &es::STRINGS,
            Locale::Fr => &fr::STRINGS,
            Locale::PtBr => &pt_br::STRINGS,
        }
    }
}

impl Durations {
    /// Says a time to live in the largest unit of which there are at least two ("90 minutes", "36 hours",
    /// "7 days"), or exactly one hour. Parts of a unit are dropped: a mail never promises more than there is.
    pub(super) fn say(&self, minutes: u32) -> String {
        const HOUR: u32 = 60;
        const DAY: u32 = 24 * HOUR;
        let (number, [one, more]) = match minutes {
            _ if minutes >= 2 * DAY => (minutes / DAY, self.days),
            _ if minutes >= 2 * HOUR || minutes == HOUR => (minutes / HOUR, self.hours),
            _ => (minutes, self.minutes),
        };
        let is_one = number == 1 || (number == 0 && self.zero_is_one);
        (if is_one { one } else { more }).replace("{n}", &number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Strings {
        /// Every sentence with its name, for comparing languages.
        pub(in super::super) fn sentences(&self) -> Vec<(String, &'static str)> {
            let mut all = vec![
                ("fallback".to_owned(), self.fallback),
                ("foot".to_owned(), self.foot),
                ("passwordless_question".to_owned(), self.passwordless_question),
                ("passwordless_link".to_owned(), self.passwordless_link),
            ];
            let links = [
                ("login", &self.login),
                ("signup", &self.signup),
                ("invite", &self.invite),
                ("invite_unsigned", &self.invite_unsigned),
                ("discovery_login", &self.discovery_login),
                ("email_update_link", &self.email_update_link),
                ("reset_password", &self.reset_password),
                ("verify_email", &self.verify_email),
                ("unlock", &self.unlock),
            ];
            for (name, letter) in links {
                for (field, sentence) in [
                    ("subject", letter.subject),
                    ("preheader", letter.preheader),
                    ("title", letter.title),
                    ("body", letter.body),
                    ("button", letter.button),
                    ("note", letter.note),
                ] {
                    all.push((format!("{name}.{field}"), sentence));
                }
            }
            let codes = [
                ("code", &self.code),
                ("code_signup", &self.code_signup),
                ("email_update_code", &self.email_update_code),
            ];
            for (name, letter) in codes {
                for (field, sentence) in [
                    ("subject", letter.subject),
                    ("preheader", letter.preheader),
                    ("title", letter.title),
                    ("body", letter.body),
                    ("expiry", letter.expiry),
                    ("note", letter.note),
                ] {
                    all.push((format!("{name}.{field}"), sentence));
                }
            }
            all
        }
    }

    /// The placeholders of a sentence, sorted: they may stand in another order in another language.
    fn placeholders(sentence: &str) -> Vec<&str> {
        let mut found: Vec<_> = sentence
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(name, _)| name)
            .collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn all_languages_use_the_same_placeholders_in_each_sentence() {
        let english = Strings::of(Locale::En).sentences();
        for locale in Locale::ALL {
            for ((name, expected), (_, sentence)) in english.iter().zip(Strings::of(locale).sentences()) {
                let context = format!("{} {name}: {sentence}", locale.as_str());
                assert_eq!(placeholders(sentence), placeholders(expected), "{context}");
                assert_eq!(sentence.matches("**").count(), expected.matches("**").count(), "{context}");
                assert_eq!(sentence.matches("**").count() % 2, 0, "{context}");
            }
        }
    }

    #[test]
    fn all_languages_are_translated_and_keep_the_voice() {
        let english = Strings::of(Locale::En).sentences();
        for locale in Locale::ALL {
            for ((name, expected), (_, sentence)) in english.iter().zip(Strings::of(locale).sentences()) {
                let context = format!("{} {name}: {sentence}", locale.as_str());
                assert!(!sentence.trim().is_empty() && sentence.trim() == sentence, "{context}");
                assert!(!sentence.contains(['!', '¡']), "{context}");
                assert!(locale == Locale::En || sentence != *expected, "not translated: {context}");
            }
        }
    }

    #[test]
    fn times_to_live_are_said_in_the_unit_a_person_would_choose() {
        let say = |locale, minutes| Strings::of(locale).durations.say(minutes);
        for (minutes, expected) in [
            (1, "1 minute"),
            (10, "10 minutes"),
            (60, "1 hour"),
            (90, "90 minutes"),
            (119, "119 minutes"),
            (120, "2 hours"),
            (179, "2 hours"),
            (1440, "24 hours"),
            (2880, "2 days"),
            (10080, "7 days"),
        ] {
            assert_eq!(say(Locale::En, minutes), expected);
        }
        assert_eq!(say(Locale::Es, 1), "1 minuto");
        assert_eq!(say(Locale::Fr, 60), "1 heure");
        assert_eq!(say(Locale::Fr, 0), "0 minute");
        assert_eq!(say(Locale::PtBr, 10080), "7 dias");
    }
}
