//! How built-in mails look where a project has decided so.

use ostiary_core::email_template::{FontFamily, PrebuiltCustomization, TextAlignment};

/// The font of the system that the mail is read on.
const SYSTEM_FONT: &str = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
/// The height of a button, in pixels, by which Outlook measures its corners.
const BUTTON_HEIGHT: f64 = 48.0;

/// A look.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    pub(super) button_color: String,
    pub(super) button_text_color: String,
    /// The colours of the button where the reader prefers a dark screen: lighter ones, unless the project chose some.
    pub(super) dark_button_color: String,
    pub(super) dark_button_text_color: String,
    pub(super) button_radius: f64,
    pub(super) font: &'static str,
    pub(super) is_centered: bool,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            button_color: "#0b5f6b".to_owned(),
            button_text_color: "#ffffff".to_owned(),
            dark_button_color: "#5fbac6".to_owned(),
            dark_button_text_color: "#07252a".to_owned(),
            button_radius: 6.0,
            font: SYSTEM_FONT,
            is_centered: false,
        }
    }
}

impl Style {
    /// The look that a project has chosen. A chosen colour is kept on dark screens, together with the other one, since
    /// they were chosen to be read on each other.
    pub fn of(look: &PrebuiltCustomization) -> Style {
        let mut style = Style::default();
        if look.button_color.is_some() || look.button_text_color.is_some() {
            let or = |chosen: &Option<String>, default: &str| chosen.as_deref().unwrap_or(default).to_owned();
            style.button_color = or(&look.button_color, &style.button_color);
            style.button_text_color = or(&look.button_text_color, &style.button_text_color);
            style.dark_button_color.clone_from(&style.button_color);
            style.dark_button_text_color.clone_from(&style.button_text_color);
        }
        style.button_radius = look.button_border_radius.unwrap_or(style.button_radius);
        style.font = look.font_family.map_or(style.font, font_stack);
        style.is_centered = look.text_alignment == Some(TextAlignment::Center);
        style
    }

    /// The radius of corners, in pixels.
    pub(super) fn radius(&self) -> String {
        self.button_radius.to_string()
    }

    /// The radius of corners as Outlook wants it: in hundredths of the shorter side, of which half is round.
    pub(super) fn arc(&self) -> String {
        (self.button_radius * 100.0 / BUTTON_HEIGHT).min(50.0).round().to_string()
    }
}

/// A font, and what stands in for it where it is not there.
fn font_stack(font: FontFamily) -> &'static str {
    match font {
        FontFamily::Arial => "Arial, Helvetica, sans-serif",
        FontFamily::BrushScriptMt => "'Brush Script MT', cursive",
        FontFamily::CourierNew => "'Courier New', Courier, monospace",
        FontFamily::Georgia => "Georgia, serif",
        FontFamily::Helvetica => "Helvetica, Arial, sans-serif",
        FontFamily::Tahoma => "Tahoma, Geneva, sans-serif",
        FontFamily::TimesNewRoman => "'Times New Roman', Times, serif",
        FontFamily::TrebuchetMs => "'Trebuchet MS', Helvetica, sans-serif",
        FontFamily::Verdana => "Verdana, Geneva, sans-serif",
    }
}
