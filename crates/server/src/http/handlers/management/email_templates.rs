//! `/pwa/v3/projects/{project_slug}/email_templates` and `…/default_email_templates`; previews and trials under
//! `/admin/v1`.

use crate::cx::Result;
use crate::http::operator_call::OperatorCall;
use crate::http::reply::Reply;
use crate::ops::management::email_templates::{self, Change, Trial};
use crate::wire::{Fields, Object};
use ostiary_core::email_template::{
    CustomHtml, Customization, EmailTemplate, PrebuiltCustomization, SenderInformation, TemplateType,
};
use ostiary_core::error::ErrorType;
use ostiary_pages::mail::Mail;
use serde_json::{Value, json};

fn wire(template: &EmailTemplate) -> Value {
    let (prebuilt, custom) = match &template.customization {
        Customization::Prebuilt(look) => (Some(look), None),
        Customization::CustomHtml(custom) => (None, Some(custom)),
    };
    json!({
        "template_id": template.template_id,
        "name": template.name,
        "sender_information": template.sender_information,
        "prebuilt_customization": prebuilt,
        "custom_html_customization": custom,
    })
}

/// An object of the body as it was written: the texts of a template are kept byte for byte (spec 05a §10).
fn part<T: serde::de::DeserializeOwned>(fields: &Fields, name: &str) -> Result<Option<T>> {
    let Some(object) = fields.object(name)? else { return Ok(None) };
    // Clients send members that they do not set as null.
    let given = object.into_iter().filter(|(_, value)| !value.is_null()).collect();
    serde_json::from_value(Value::Object(given)).map(Some).map_err(|error| {
        ErrorType::InvalidEmailTemplateParameters.with_message(format!("{name} does not fit: {error}."))
    })
}

fn read_change(fields: &Fields) -> Result<Change> {
    let prebuilt = part::<PrebuiltCustomization>(fields, "prebuilt_customization")?;
    let custom = part::<CustomHtml>(fields, "custom_html_customization")?;
    let customization = match (prebuilt, custom) {
        (Some(_), Some(_)) => {
            return Err(ErrorType::InvalidEmailTemplateParameters
                .with_message("Give prebuilt_customization or custom_html_customization, not both."));
        }
        (Some(look), None) => Some(Customization::Prebuilt(look)),
        (None, custom) => custom.map(Customization::CustomHtml),
    };
    Ok(Change {
        name: fields.string("name")?,
        sender_information: part::<SenderInformation>(fields, "sender_information")?,
        customization,
    })
}

fn read_template(fields: &Fields, template_id: String) -> Result<EmailTemplate> {
    let change = read_change(fields)?;
    let customization = change.customization.ok_or_else(|| {
        ErrorType::InvalidEmailTemplateParameters
            .with_message("Give prebuilt_customization or custom_html_customization.")
    })?;
    Ok(EmailTemplate {
        template_id,
        name: change.name.unwrap_or_default(),
        sender_information: change.sender_information,
        customization,
    })
}

/// `POST …`
pub async fn create(call: OperatorCall) -> Result<Reply> {
    let template = read_template(&call.fields, call.fields.required("template_id")?.to_owned())?;
    let created = email_templates::create(&call.operator, call.param("project_slug")?, template).await?;
    Ok(Object::new().field("email_template", &wire(&created)).into())
}

/// `GET …`
pub async fn list(call: OperatorCall) -> Result<Reply> {
    let templates = email_templates::list(&call.operator, call.param("project_slug")?).await?;
    let templates: Vec<Value> = templates.iter().map(wire).collect();
    Ok(Object::new().field("email_templates", &templates).into())
}

async fn stored(call: &OperatorCall) -> Result<EmailTemplate> {
    email_templates::get(&call.operator, call.param("project_slug")?, call.param("template_id")?).await
}

/// `GET …/{template_id}`
pub async fn get(call: OperatorCall) -> Result<Reply> {
    Ok(Object::new().field("email_template", &wire(&stored(&call).await?)).into())
}

/// `PUT …/{template_id}`
pub async fn update(call: OperatorCall) -> Result<Reply> {
    let (project, id) = (call.param("project_slug")?, call.param("template_id")?);
    let changed = email_templates::update(&call.operator, project, id, read_change(&call.fields)?).await?;
    Ok(Object::new().field("email_template", &wire(&changed)).into())
}

/// `DELETE …/{template_id}`
pub async fn delete(call: OperatorCall) -> Result<Reply> {
    let (project, id) = (call.param("project_slug")?, call.param("template_id")?);
    email_templates::delete(&call.operator, project, id).await?;
    Ok(Object::new().into())
}

fn read_type(word: &str) -> Result<TemplateType> {
    TemplateType::parse(word).ok_or_else(|| {
        ErrorType::InvalidEmailTemplateParameters
            .with_message("template_type must be one of LOGIN, SIGNUP, INVITE and so on, or PREBUILT.")
    })
}

/// `GET …/default_email_templates/{template_type}`
pub async fn get_default(call: OperatorCall) -> Result<Reply> {
    let kind = read_type(call.param("template_type")?)?;
    let id = email_templates::default_of(&call.operator, call.param("project_slug")?, kind).await?;
    Ok(Object::new().field("template_id", &id).into())
}

/// `POST …/default_email_templates/{template_type}`
pub async fn set_default(call: OperatorCall) -> Result<Reply> {
    let kind = read_type(call.param("template_type")?)?;
    let (project, id) = (call.param("project_slug")?, call.fields.required("template_id")?);
    email_templates::set_default(&call.operator, project, kind, id).await?;
    Ok(Object::new().into())
}

/// `DELETE …/default_email_templates/{template_type}`
pub async fn unset_default(call: OperatorCall) -> Result<Reply> {
    let kind = read_type(call.param("template_type")?)?;
    email_templates::unset_default(&call.operator, call.param("project_slug")?, kind).await?;
    Ok(Object::new().into())
}

fn shown_type(call: &OperatorCall) -> Result<Option<TemplateType>> {
    call.fields.text("template_type")?.map(read_type).transpose()
}

fn show(mail: &Mail) -> Reply {
    Object::new().field("subject", &mail.subject).field("text", &mail.text).field("html", &mail.html).into()
}

async fn render(call: &OperatorCall, template: EmailTemplate) -> Result<Reply> {
    let (kind, locale) = (shown_type(call)?, call.fields.locale()?);
    let project = call.param("project_slug")?;
    Ok(show(&email_templates::preview(&call.operator, project, template, kind, locale).await?))
}

/// `POST /admin/v1/projects/{project_slug}/email_templates/preview`: a template as it stands in the request.
pub async fn preview(call: OperatorCall) -> Result<Reply> {
    let template = read_template(&call.fields, "preview".to_owned())?;
    render(&call, template).await
}

/// `POST /admin/v1/projects/{project_slug}/email_templates/{template_id}/preview`
pub async fn preview_stored(call: OperatorCall) -> Result<Reply> {
    let template = stored(&call).await?;
    render(&call, template).await
}

/// `POST /admin/v1/projects/{project_slug}/environments/{environment_slug}/email_templates/{template_id}/test`
pub async fn try_out(call: OperatorCall) -> Result<Reply> {
    let trial = Trial {
        template: call.param("template_id")?.to_owned(),
        email_address: call.fields.required("email_address")?.to_owned(),
        kind: shown_type(&call)?,
        locale: call.fields.locale()?,
    };
    email_templates::try_out(&call.operator, &call.place()?, trial).await?;
    Ok(Object::new().into())
}
