//! Languages of mails and text messages (spec 01d §6).

use crate::wire_enum;

/// A language in which Ostiary writes mails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Locale {
    /// English, the default.
    #[default]
    En,
    /// Spanish.
    Es,
    /// French.
    Fr,
    /// Brazilian Portuguese.
    PtBr,
}

impl Locale {
    /// Every language, in the order in which documents list them.
    pub const ALL: [Locale; 4] = [Locale::En, Locale::Es, Locale::Fr, Locale::PtBr];

    /// The language of a wire value; `None` for anything but `en`, `es`, `fr`, `pt-br` (any letter case).
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.as_str().eq_ignore_ascii_case(text))
    }

    /// The wire value, which is also the HTML `lang` attribute.
    pub fn as_str(self) -> &'static str {
        match self {
            Locale::En => "en",
            Locale::Es => "es",
            Locale::Fr => "fr",
            Locale::PtBr => "pt-br",
        }
    }
}

wire_enum! {
    /// A language in which Ostiary writes text messages: those of mails, and more (contract `backend.md`, `otps/sms/send`).
    #[derive(Default)]
    SmsLocale {
        /// English, the default.
        #[default]
        En = "en",
        /// Spanish.
        Es = "es",
        /// Brazilian Portuguese.
        PtBr = "pt-br",
        /// French.
        Fr = "fr",
        /// Italian.
        It = "it",
        /// German.
        DeDe = "de-DE",
        /// Simplified Chinese.
        ZhHans = "zh-Hans",
        /// Catalan.
        CaEs = "ca-ES",
        /// Japanese.
        Ja = "ja",
        /// Russian.
        Ru = "ru",
        /// Dutch.
        Nl = "nl",
        /// Polish.
        Pl = "pl",
        /// Turkish.
        Tr = "tr",
        /// Persian.
        Fa = "fa",
        /// Vietnamese.
        Vi = "vi",
        /// Czech.
        Cs = "cs",
    }
}

impl SmsLocale {
    /// The language of a wire value in any letter case.
    pub fn parse_any_case(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|locale| locale.as_str().eq_ignore_ascii_case(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_of_mails_is_one_of_text_messages() {
        for locale in Locale::ALL {
            assert!(SmsLocale::parse(locale.as_str()).is_some(), "{locale:?}");
        }
        assert_eq!(SmsLocale::parse_any_case("ZH-hans"), Some(SmsLocale::ZhHans));
        assert_eq!(SmsLocale::parse_any_case("tlh"), None);
    }
}
