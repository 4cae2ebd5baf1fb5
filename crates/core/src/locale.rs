//! Languages of mails and text messages (spec 01d §6).

/// A language in which Ostiary writes mails and text messages.
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
