//! `/pwa/v3/projects`

use crate::cx::Result;
use crate::http::operator_call::OperatorCall;
use crate::http::reply::Reply;
use crate::ops::management::{environments, projects};
use crate::wire::Object;
use ostiary_core::error::ErrorType;
use ostiary_core::ids::EnvironmentKind;
use ostiary_core::project::Vertical;
use serde_json::{Value, json};

macro_rules! wire {
    ($project:expr) => {{
        let project = &$project;
        json!({
            "project_slug": project.slug,
            "name": project.name,
            "vertical": project.vertical,
            "created_at": project.created_at,
        })
    }};
}

/// `POST /pwa/v3/projects`
pub async fn create(call: OperatorCall) -> Result<Reply> {
    let vertical = match call.fields.text("vertical")? {
        None => Vertical::B2b,
        Some(word) => Vertical::parse(word)
            .ok_or_else(|| ErrorType::InvalidArgument.with_message("vertical must be B2B or CONSUMER."))?,
    };
    let name = call.fields.required("name")?;
    let slug = call.fields.nonempty("project_slug")?;
    let project = projects::create(&call.operator, name, vertical, slug).await?;
    Ok(Object::new().field("project", &wire!(project)).into())
}

/// `GET /pwa/v3/projects`
pub async fn list(call: OperatorCall) -> Result<Reply> {
    let projects = projects::list(&call.operator).await?;
    let projects: Vec<Value> = projects.iter().map(|project| wire!(project)).collect();
    Ok(Object::new().field("projects", &projects).into())
}

/// `GET /pwa/v3/projects/{project_slug}`
pub async fn get(call: OperatorCall) -> Result<Reply> {
    let project = projects::get(&call.operator, call.param("project_slug")?).await?;
    Ok(Object::new().field("project", &wire!(project)).into())
}

/// `PATCH /pwa/v3/projects/{project_slug}`
pub async fn update(call: OperatorCall) -> Result<Reply> {
    let (slug, name) = (call.param("project_slug")?, call.fields.text("name")?);
    let project = projects::rename(&call.operator, slug, name).await?;
    Ok(Object::new().field("project", &wire!(project)).into())
}

/// `DELETE /pwa/v3/projects/{project_slug}`
pub async fn delete(call: OperatorCall) -> Result<Reply> {
    projects::delete(&call.operator, call.param("project_slug")?).await?;
    Ok(Object::new().into())
}

/// `GET /web/v1/projects`: the form of the API before this one, which moves the state of old configurations over.
pub async fn list_old(call: OperatorCall) -> Result<Reply> {
    let projects = old_forms(&call).await?;
    Ok(Object::new().field("projects", &projects).into())
}

/// `GET /web/v1/projects/{project_id}`
pub async fn get_old(call: OperatorCall) -> Result<Reply> {
    let id = call.param("project_id")?;
    let forms = old_forms(&call).await?;
    let found = forms.into_iter().find(|form| form["live_project_id"] == id || form["test_project_id"] == id);
    Ok(Object::new().field("project", &found.ok_or(ErrorType::ProjectNotFound)?).into())
}

async fn old_forms(call: &OperatorCall) -> Result<Vec<Value>> {
    let mut forms = Vec::new();
    for project in projects::list(&call.operator).await? {
        let environments = environments::list(&call.operator, &project.slug).await?;
        let first = |kind: EnvironmentKind| environments.iter().find(|known| known.scope.kind == kind);
        let (live, test) = (first(EnvironmentKind::Live), first(EnvironmentKind::Test));
        let mut form = wire!(project);
        form["live_project_id"] = json!(live.map(|live| live.project_id));
        form["test_project_id"] = json!(test.map(|test| test.project_id));
        form["live_project_slug"] = json!(live.map(|live| &live.slug));
        form["test_project_slug"] = json!(test.map(|test| &test.slug));
        forms.push(form);
    }
    Ok(forms)
}
