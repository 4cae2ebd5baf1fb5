//! Email templates of a project: how its mails look, and mails that it words itself (spec 01d §7).

use crate::email::EmailAddress;
use crate::error::{Error, ErrorType};
use crate::project::{NAME_CHARS_MAX, validate_slug};
use crate::wire_enum;
use serde::{Deserialize, Serialize};

/// The most templates of a project (chosen).
pub const TEMPLATES_MAX: usize = 200;
/// The longest HTML of a template, in bytes (chosen): mail programs cut what is longer.
pub const HTML_BYTES_MAX: usize = 100 * 1024;
/// The longest plain text of a template, in bytes (chosen).
pub const TEXT_BYTES_MAX: usize = 20 * 1024;
/// The longest subject of a template, in characters (chosen).
pub const SUBJECT_CHARS_MAX: usize = 256;
/// The roundest corners of a button, in pixels (chosen).
pub const BORDER_RADIUS_MAX: f64 = 100.0;

wire_enum! {
    /// For which mails a template is.
    TemplateType {
        /// Sign-in links.
        Login = "LOGIN",
        /// Sign-up links.
        Signup = "SIGNUP",
        /// Invitations.
        Invite = "INVITE",
        /// Password resets.
        ResetPassword = "RESET_PASSWORD",
        /// Sign-in codes.
        OneTimePasscode = "ONE_TIME_PASSCODE",
        /// Sign-up codes.
        OneTimePasscodeSignup = "ONE_TIME_PASSCODE_SIGNUP",
        /// First passwords, whose links prove an address.
        VerifyEmailPasswordReset = "VERIFY_EMAIL_PASSWORD_RESET",
        /// The way out of a lock.
        Unlock = "UNLOCK",
        /// How all built-in mails look.
        Prebuilt = "PREBUILT",
    }
}

wire_enum! {
    /// The font of built-in mails.
    FontFamily {
        /// Arial.
        Arial = "ARIAL",
        /// Brush Script MT.
        BrushScriptMt = "BRUSH_SCRIPT_MT",
        /// Courier New.
        CourierNew = "COURIER_NEW",
        /// Georgia.
        Georgia = "GEORGIA",
        /// Helvetica.
        Helvetica = "HELVETICA",
        /// Tahoma.
        Tahoma = "TAHOMA",
        /// Times New Roman.
        TimesNewRoman = "TIMES_NEW_ROMAN",
        /// Trebuchet MS.
        TrebuchetMs = "TREBUCHET_MS",
        /// Verdana.
        Verdana = "VERDANA",
    }
}

wire_enum! {
    /// How lines of built-in mails are aligned.
    TextAlignment {
        /// At the left.
        Left = "LEFT",
        /// In the middle.
        Center = "CENTER",
    }
}

/// From whom a mail comes. Parts that are empty are those of the server's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SenderInformation {
    /// The sender's address before the `@`.
    pub from_local_part: String,
    /// The sender's domain, also that of answers.
    pub from_domain: String,
    /// The sender's name.
    pub from_name: String,
    /// The address for answers before the `@`.
    pub reply_to_local_part: String,
    /// The name for answers.
    pub reply_to_name: String,
}

/// An address and who is behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The address.
    pub address: String,
    /// The name, or empty.
    pub name: String,
}

impl SenderInformation {
    /// The sender; `None` when the address is that of the server.
    pub fn from(&self) -> Option<Sender> {
        self.address(&self.from_local_part, &self.from_name)
    }

    /// Where answers go, if that is said.
    pub fn reply_to(&self) -> Option<Sender> {
        self.address(&self.reply_to_local_part, &self.reply_to_name)
    }

    fn address(&self, local_part: &str, name: &str) -> Option<Sender> {
        (!local_part.is_empty())
            .then(|| Sender { address: format!("{local_part}@{}", self.from_domain), name: name.to_owned() })
    }

    fn validate(&self) -> Result<(), Error> {
        if self.from_local_part.is_empty() != self.from_domain.is_empty() {
            return Err(parameters("sender_information needs from_local_part and from_domain together."));
        }
        let is_address = |sender: Option<Sender>| {
            sender.is_none_or(|sender| EmailAddress::parse(&sender.address).is_some())
        };
        if !is_address(self.from()) || !is_address(self.reply_to()) {
            return Err(parameters("The parts of sender_information do not make an email address."));
        }
        let is_name =
            |name: &String| name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control);
        if is_name(&self.from_name) && is_name(&self.reply_to_name) {
            return Ok(());
        }
        Err(parameters("A sender's name may have at most 128 characters, none of them a control character."))
    }
}

/// How built-in mails look. What is absent is as it comes with the server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PrebuiltCustomization {
    /// How round the corners of buttons are, in pixels.
    pub button_border_radius: Option<f64>,
    /// The colour of buttons, `#rrggbb` or `#rgb`.
    pub button_color: Option<String>,
    /// The colour of the words on buttons.
    pub button_text_color: Option<String>,
    /// The font.
    pub font_family: Option<FontFamily>,
    /// How lines are aligned.
    pub text_alignment: Option<TextAlignment>,
}

impl PrebuiltCustomization {
    fn validate(&self) -> Result<(), Error> {
        let fits = |radius: f64| (0.0..=BORDER_RADIUS_MAX).contains(&radius);
        if !self.button_border_radius.is_none_or(fits) {
            return Err(parameters("button_border_radius must be from 0 to 100."));
        }
        let colors = self.button_color.iter().chain(&self.button_text_color);
        if colors.into_iter().all(|color| is_color(color)) {
            return Ok(());
        }
        Err(parameters("Colours must be like #0b5f6b."))
    }
}

/// Colours stand in styles as they are, so they are digits and nothing else.
fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// A mail that the project words itself. Its texts are judged where they are read (`ostiary_pages::mail::custom`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomHtml {
    /// For which mails it is; never [`TemplateType::Prebuilt`].
    pub template_type: TemplateType,
    /// The HTML.
    pub html_content: String,
    /// The plain text.
    pub plaintext_content: String,
    /// The subject.
    pub subject: String,
}

/// What a template is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Customization {
    /// How built-in mails look.
    Prebuilt(PrebuiltCustomization),
    /// A mail of the project's own words.
    CustomHtml(CustomHtml),
}

/// A template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailTemplate {
    /// Its id, chosen by its creator and never changed.
    pub template_id: String,
    /// What people call it.
    pub name: String,
    /// From whom its mails come; as the server is configured when absent.
    pub sender_information: Option<SenderInformation>,
    /// What it is about.
    pub customization: Customization,
}

impl EmailTemplate {
    /// Its type.
    pub fn template_type(&self) -> TemplateType {
        match &self.customization {
            Customization::Prebuilt(_) => TemplateType::Prebuilt,
            Customization::CustomHtml(custom) => custom.template_type,
        }
    }

    /// Whether mails of a type may be sent with it: one of the project's own words is for one type, a look is for all.
    pub fn serves(&self, wanted: TemplateType) -> bool {
        let own = self.template_type();
        own == wanted || own == TemplateType::Prebuilt
    }

    /// Checks everything but the texts of a mail.
    ///
    /// # Errors
    /// `invalid_template_id` and `invalid_email_template_parameters`.
    pub fn validate(&self) -> Result<(), Error> {
        validate_slug(&self.template_id, "template_id")
            .map_err(|error| ErrorType::InvalidTemplateId.with_message(error.text()))?;
        if self.name.chars().count() > NAME_CHARS_MAX || self.name.chars().any(char::is_control) {
            return Err(parameters(
                "name may have at most 128 characters, none of them a control character.",
            ));
        }
        if let Some(sender) = &self.sender_information {
            sender.validate()?;
        }
        match &self.customization {
            Customization::Prebuilt(look) => look.validate(),
            Customization::CustomHtml(custom) if custom.template_type == TemplateType::Prebuilt => {
                Err(parameters("custom_html_customization needs the template_type of a mail, not PREBUILT."))
            }
            // Spec 01d §7: a sender is required for custom HTML.
            Customization::CustomHtml(_)
                if self.sender_information.as_ref().is_none_or(|sender| sender.from().is_none()) =>
            {
                Err(parameters(
                    "custom_html_customization needs sender_information with from_local_part and from_domain.",
                ))
            }
            Customization::CustomHtml(_) => Ok(()),
        }
    }
}

fn parameters(message: &str) -> Error {
    ErrorType::InvalidEmailTemplateParameters.with_message(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prebuilt(look: PrebuiltCustomization) -> EmailTemplate {
        EmailTemplate {
            template_id: "acme-look".into(),
            name: "Acme".into(),
            sender_information: None,
            customization: Customization::Prebuilt(look),
        }
    }

    fn custom(template_type: TemplateType, sender: Option<SenderInformation>) -> EmailTemplate {
        let (html_content, plaintext_content, subject) = (String::new(), String::new(), String::new());
        EmailTemplate {
            sender_information: sender,
            customization: Customization::CustomHtml(CustomHtml {
                template_type,
                html_content,
                plaintext_content,
                subject,
            }),
            ..prebuilt(PrebuiltCustomization::default())
        }
    }

    fn sender(local_part: &str, domain: &str) -> SenderInformation {
        SenderInformation {
            from_local_part: local_part.into(),
            from_domain: domain.into(),
            ..SenderInformation::default()
        }
    }

    #[test]
    fn looks_are_numbers_and_colours_and_nothing_that_breaks_out_of_a_style() {
        let look = |color: &str, radius| PrebuiltCustomization {
            button_color: Some(color.into()),
            button_border_radius: Some(radius),
            ..PrebuiltCustomization::default()
        };
        for (color, radius, is_good) in [
            ("#0b5f6b", 6.0, true),
            ("#FFF", 0.0, true),
            ("#fff", 100.0, true),
            ("#fff", 100.5, false),
            ("#fff", -1.0, false),
            ("#fff", f64::NAN, false),
            ("red", 6.0, false),
            ("#ffff", 6.0, false),
            ("#fff;}", 6.0, false),
            ("#ffffff\"><script>", 6.0, false),
        ] {
            let result = prebuilt(look(color, radius)).validate();
            assert_eq!(result.is_ok(), is_good, "{color} {radius}");
        }
    }

    #[test]
    fn a_mail_of_ones_own_words_has_a_sender_and_a_type() {
        let good = sender("login", "acme.example");
        assert!(custom(TemplateType::Login, Some(good.clone())).validate().is_ok());
        assert!(custom(TemplateType::Prebuilt, Some(good.clone())).validate().is_err());
        assert!(custom(TemplateType::Login, None).validate().is_err());
        for bad in [
            SenderInformation::default(),
            sender("login", ""),
            sender("", "acme.example"),
            sender("lo gin", "acme.example"),
            sender("login", "acme.example>\r\nBcc: eve@evil.example"),
            SenderInformation { from_name: "Ada\r\nBcc: x".into(), ..good.clone() },
            SenderInformation { reply_to_local_part: "a@b".into(), ..good.clone() },
        ] {
            assert!(custom(TemplateType::Login, Some(bad.clone())).validate().is_err(), "{bad:?}");
        }
        assert_eq!(good.from().unwrap().address, "login@acme.example");
        assert_eq!(good.reply_to(), None);
    }

    #[test]
    fn a_look_serves_all_mails_and_own_words_serve_one() {
        let look = prebuilt(PrebuiltCustomization::default());
        let words = custom(TemplateType::Login, Some(sender("login", "acme.example")));
        assert!(look.serves(TemplateType::Login) && look.serves(TemplateType::Unlock));
        assert!(words.serves(TemplateType::Login) && !words.serves(TemplateType::Signup));
        assert!(!words.serves(TemplateType::Prebuilt));
    }
}
