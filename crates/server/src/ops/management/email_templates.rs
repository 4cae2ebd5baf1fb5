//! Email templates of projects: made, changed, chosen as defaults, shown and tried (spec 01d §7, 05a §3).

use super::{Operator, Place, projects};
use crate::cx::{Cx, Result};
use crate::ops::email_templates::Compiled;
use crate::ops::lookup;
use crate::ops::mail::{self, Letter, MailWishes};
use ostiary_core::email_template::{
    Customization, EmailTemplate, SenderInformation, TEMPLATES_MAX, TemplateType,
};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::locale::Locale;
use ostiary_pages::mail::custom::sample_context;
use ostiary_pages::mail::{Mail, Template};
use ostiary_store::email_templates;
use ostiary_store::seam::Db;
use std::sync::Arc;

/// For how long a mail that tries a template waits for its relay, in minutes.
const TRIAL_MINUTES: i64 = 60;

/// What is to become different; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// What people call it.
    pub name: Option<String>,
    /// From whom its mails come.
    pub sender_information: Option<SenderInformation>,
    /// What it is about.
    pub customization: Option<Customization>,
}

/// The templates of a project, oldest first.
pub async fn list(operator: &Operator, project: &str) -> Result<Vec<EmailTemplate>> {
    projects::get(operator, project).await?;
    Ok(email_templates::list(&operator.app.store.reader(), project).await?)
}

/// One template.
///
/// # Errors
/// `email_template_not_found`.
pub async fn get(operator: &Operator, project: &str, id: &str) -> Result<EmailTemplate> {
    projects::get(operator, project).await?;
    find(&operator.app.store.reader(), project, id).await
}

async fn find(db: &Db, project: &str, id: &str) -> Result<EmailTemplate> {
    let found = email_templates::find(db, project, id).await?;
    found.ok_or_else(|| ErrorType::EmailTemplateNotFound.into())
}

/// Adds a template.
///
/// # Errors
/// `duplicate_email_template_vanity_id`, `too_many_email_templates`, and those of [`Compiled::of`].
pub async fn create(operator: &Operator, project: &str, template: EmailTemplate) -> Result<EmailTemplate> {
    projects::get(operator, project).await?;
    let template = Compiled::of(template)?.template;
    let (now, new) = (operator.now, Arc::new((project.to_owned(), template.clone())));
    write(operator, new, move |tx, new| async move {
        let (project, template) = &*new;
        if email_templates::list(&tx, project).await?.len() >= TEMPLATES_MAX {
            return Err(ErrorType::TooManyEmailTemplates.into());
        }
        if !email_templates::insert(&tx, project, template, now).await? {
            return Err(ErrorType::DuplicateEmailTemplateVanityId.into());
        }
        Ok(email_templates::touch(&tx, project).await?)
    })
    .await?;
    Ok(template)
}

/// Changes a template. One that is a default stays good for what it is the default of.
pub async fn update(operator: &Operator, project: &str, id: &str, change: Change) -> Result<EmailTemplate> {
    projects::get(operator, project).await?;
    let input = Arc::new((project.to_owned(), id.to_owned(), change));
    write(operator, input, |tx, input| async move {
        let (project, id, change) = &*input;
        let mut template = find(&tx, project, id).await?;
        if let Some(name) = &change.name {
            template.name.clone_from(name);
        }
        if let Some(sender) = &change.sender_information {
            template.sender_information = Some(sender.clone());
        }
        if let Some(customization) = &change.customization {
            template.customization = customization.clone();
        }
        let template = Compiled::of(template)?.template;
        let defaults = email_templates::defaults(&tx, project).await?;
        let own = template.template_type();
        if defaults.iter().any(|(kind, default)| default == id && *kind != own) {
            return Err(ErrorType::InvalidEmailTemplateParameters
                .with_message("The template is the default of mails of another type."));
        }
        email_templates::update(&tx, project, &template).await?;
        email_templates::touch(&tx, project).await?;
        Ok(template)
    })
    .await
}

/// Deletes a template.
///
/// # Errors
/// `email_template_not_found`, `cannot_delete_default_email_template`.
pub async fn delete(operator: &Operator, project: &str, id: &str) -> Result<()> {
    projects::get(operator, project).await?;
    let input = Arc::new((project.to_owned(), id.to_owned()));
    write(operator, input, |tx, input| async move {
        let (project, id) = &*input;
        let defaults = email_templates::defaults(&tx, project).await?;
        if defaults.iter().any(|(_, default)| default == id) {
            return Err(ErrorType::CannotDeleteDefaultEmailTemplate.into());
        }
        if !email_templates::delete(&tx, project, id).await? {
            return Err(ErrorType::EmailTemplateNotFound.into());
        }
        Ok(email_templates::touch(&tx, project).await?)
    })
    .await
}

/// The id of the default template of a type.
///
/// # Errors
/// `email_template_not_found` when mails of the type are as they come with the server.
pub async fn default_of(operator: &Operator, project: &str, kind: TemplateType) -> Result<String> {
    projects::get(operator, project).await?;
    let defaults = email_templates::defaults(&operator.app.store.reader(), project).await?;
    let found = defaults.into_iter().find(|(known, _)| *known == kind);
    found.map(|(_, id)| id).ok_or_else(|| {
        ErrorType::EmailTemplateNotFound.with_message("Mails of that type have no default template.")
    })
}

/// Makes a template the default of its type.
///
/// # Errors
/// `email_template_not_found`, `invalid_template_id` when it is of another type.
pub async fn set_default(operator: &Operator, project: &str, kind: TemplateType, id: &str) -> Result<()> {
    projects::get(operator, project).await?;
    let input = Arc::new((project.to_owned(), id.to_owned()));
    write(operator, input, move |tx, input| async move {
        let (project, id) = &*input;
        if find(&tx, project, id).await?.template_type() != kind {
            return Err(ErrorType::InvalidTemplateId
                .with_message(format!("The template is not one of the type {kind}.")));
        }
        email_templates::set_default(&tx, project, kind, id).await?;
        Ok(email_templates::touch(&tx, project).await?)
    })
    .await
}

/// Takes the default of a type away: its mails are as they come with the server again. The default look can only be
/// replaced (spec 05a §3).
pub async fn unset_default(operator: &Operator, project: &str, kind: TemplateType) -> Result<()> {
    projects::get(operator, project).await?;
    if kind == TemplateType::Prebuilt {
        return Err(ErrorType::CannotDeleteDefaultEmailTemplate
            .with_message("The default of PREBUILT can be replaced, not taken away."));
    }
    write(operator, Arc::new(project.to_owned()), move |tx, project| async move {
        email_templates::unset_default(&tx, &project, kind).await?;
        Ok(email_templates::touch(&tx, &project).await?)
    })
    .await
}

/// How a template looks to a reader, with values that stand for real ones. Nothing is stored or sent.
pub async fn preview(
    operator: &Operator,
    project: &str,
    template: EmailTemplate,
    kind: Option<TemplateType>,
    locale: Locale,
) -> Result<Mail> {
    let project = projects::get(operator, project).await?;
    let compiled = Compiled::of(template)?;
    let shown = Template::of_type(shown_type(&compiled.template, kind)?);
    Ok(compiled.render(shown, locale, &sample_context(&project.name, shown)))
}

/// For a look, any type of mail may be shown; for a mail of one's own words only its own.
fn shown_type(template: &EmailTemplate, wished: Option<TemplateType>) -> Result<TemplateType> {
    let kind = wished.unwrap_or(template.template_type());
    if template.serves(kind) { Ok(kind) } else { Err(ErrorType::InvalidTemplateId.into()) }
}

/// A mail that tries a template.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The template.
    pub template: String,
    /// To whom it goes.
    pub email_address: String,
    /// Which mail, where the template is a look.
    pub kind: Option<TemplateType>,
    /// In which language.
    pub locale: Locale,
}

/// Sends a mail with a template and values that stand for real ones, the way real ones go.
pub async fn try_out(operator: &Operator, place: &Place, trial: Trial) -> Result<()> {
    let template = get(operator, &place.project, &trial.template).await?;
    let kind = shown_type(&template, trial.kind)?;
    let cx = operator.within(place).await?;
    cx.write((trial, Template::of_type(kind)), post_trial).await?;
    operator.app.outbox_wake.notify_one();
    Ok(())
}

async fn post_trial(tx: Db, cx: Cx, input: Arc<(Trial, Template)>) -> Result<()> {
    let (trial, template) = &*input;
    let email = lookup::email(&trial.email_address)?;
    let sample = sample_context(&cx.project.environment.name, *template);
    let wishes = MailWishes {
        locale: trial.locale,
        templates: vec![(template.template_type(), trial.template.clone())],
    };
    let letter = Letter {
        template: *template,
        wishes: &wishes,
        to: email.as_str(),
        organization_name: sample.organization_name,
        invited_by_name: sample.invited_by_name,
        link: sample.url.filter(|_| !template.has_code()),
        code: sample.code.filter(|_| template.has_code()),
        expires_in_minutes: TRIAL_MINUTES,
    };
    match sample.secondary_url {
        Some(url) => mail::post_with_second_link(&tx, &cx, letter, url).await,
        None => mail::post(&tx, &cx, letter).await,
    }
}

/// Runs a change and makes it known to this node at once.
async fn write<I, T, F, Fut>(operator: &Operator, input: Arc<I>, change: F) -> Result<T>
where
    I: Send + Sync + 'static,
    T: Send + 'static,
    F: Fn(Db, Arc<I>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = std::result::Result<T, Error>> + Send + 'static,
{
    let changed = operator.app.store.write(move |tx| change(tx, input.clone())).await?;
    operator.app.refresh_projects().await?;
    Ok(changed)
}
