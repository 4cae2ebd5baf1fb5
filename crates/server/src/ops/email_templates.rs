//! A project's email templates as mails are written with them; `ops::management::email_templates` changes them.

use crate::cx::Result;
use ostiary_core::email_template::{Customization, EmailTemplate, Sender, SenderInformation, TemplateType};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::locale::Locale;
use ostiary_pages::mail::custom::{CustomMail, TemplateError};
use ostiary_pages::mail::{self, Context, Mail, Style, Template};
use std::collections::HashMap;
use std::sync::Arc;

/// A template that was read.
#[derive(Debug)]
pub struct Compiled {
    /// As it is stored.
    pub template: EmailTemplate,
    mail: Written,
}

#[derive(Debug)]
enum Written {
    Look(Style),
    Words(CustomMail),
}

impl Compiled {
    /// Reads and judges a template.
    ///
    /// # Errors
    /// `invalid_email_template_content`, `invalid_email_template_parameters`, `invalid_template_id`.
    pub fn of(template: EmailTemplate) -> Result<Compiled> {
        template.validate()?;
        let mail = match &template.customization {
            Customization::Prebuilt(look) => Written::Look(Style::of(look)),
            Customization::CustomHtml(custom) => {
                Written::Words(CustomMail::parse(custom).map_err(template_error)?)
            }
        };
        Ok(Compiled { template, mail })
    }

    /// Writes a mail.
    pub fn render(&self, template: Template, locale: Locale, context: &Context<'_>) -> Mail {
        match &self.mail {
            Written::Look(style) => mail::render_with(template, locale, context, style),
            Written::Words(words) => words.render(context),
        }
    }

    /// From whom the mail comes; as the server is configured when `None`.
    pub fn from(&self) -> Option<Sender> {
        self.sender().and_then(SenderInformation::from)
    }

    /// Where answers to the mail go.
    pub fn reply_to(&self) -> Option<Sender> {
        self.sender().and_then(SenderInformation::reply_to)
    }

    /// The name that the mail comes from, which a template may set without an address.
    pub fn from_name(&self) -> Option<&str> {
        self.sender().map(|sender| sender.from_name.as_str()).filter(|name| !name.is_empty())
    }

    fn sender(&self) -> Option<&SenderInformation> {
        self.template.sender_information.as_ref()
    }
}

fn template_error(error: TemplateError) -> Error {
    match error {
        TemplateError::Parameters(message) => ErrorType::InvalidEmailTemplateParameters.with_message(message),
        TemplateError::Content(message) => ErrorType::InvalidEmailTemplateContent.with_message(message),
    }
}

/// The templates of a project, in memory.
#[derive(Debug, Default)]
pub struct EmailTemplates {
    by_id: HashMap<String, Arc<Compiled>>,
    defaults: HashMap<TemplateType, Arc<Compiled>>,
}

impl EmailTemplates {
    /// Reads templates. One that this version would not take is left out, so that mails look as they come with the
    /// server rather than that the project is out of service.
    pub fn of(templates: Vec<EmailTemplate>, defaults: Vec<(TemplateType, String)>) -> EmailTemplates {
        let mut by_id = HashMap::new();
        for template in templates {
            let id = template.template_id.clone();
            match Compiled::of(template) {
                Ok(compiled) => {
                    by_id.insert(id, Arc::new(compiled));
                }
                Err(error) => tracing::error!(
                    template.id = id,
                    error.kind = error.kind.name(),
                    "a stored email template is not one and is left out"
                ),
            }
        }
        let known = |(kind, id): (TemplateType, String)| by_id.get(&id).map(|found| (kind, found.clone()));
        EmailTemplates { defaults: defaults.into_iter().filter_map(known).collect(), by_id }
    }

    /// Checks a template that a call names for mails of a type.
    ///
    /// # Errors
    /// `invalid_template_id` when there is none, or it is for mails of another type (spec 01d §7).
    pub fn check(&self, id: &str, kind: TemplateType) -> Result<()> {
        match self.by_id.get(id) {
            Some(found) if found.template.serves(kind) => Ok(()),
            _ => Err(ErrorType::InvalidTemplateId.into()),
        }
    }

    /// The template for a mail: the one that the call names, the default of its type, or the default look.
    pub fn choose(&self, named: Option<&str>, kind: TemplateType) -> Option<&Arc<Compiled>> {
        named
            .and_then(|id| self.by_id.get(id))
            .or_else(|| self.defaults.get(&kind))
            .or_else(|| self.defaults.get(&TemplateType::Prebuilt))
    }
}
