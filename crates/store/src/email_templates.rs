//! Email templates of projects, and which of them are defaults.

use crate::rows::{Columns, to_json};
use crate::seam::{Db, Row, Sql, StoreError};
use crate::{args, sql};
use ostiary_core::email_template::{EmailTemplate, TemplateType};
use ostiary_core::time::Timestamp;

const LIST: Sql =
    sql!("SELECT document FROM email_templates WHERE project_slug = $1 ORDER BY created_at, template_id");
const FIND: Sql = sql!("SELECT document FROM email_templates WHERE project_slug = $1 AND template_id = $2");
const INSERT: Sql = sql!(
    "INSERT INTO email_templates (project_slug, template_id, document, created_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING"
);
const UPDATE: Sql =
    sql!("UPDATE email_templates SET document = $3 WHERE project_slug = $1 AND template_id = $2");
const DELETE: Sql = sql!("DELETE FROM email_templates WHERE project_slug = $1 AND template_id = $2");
const DEFAULTS: Sql = sql!(
    "SELECT template_type, template_id FROM default_email_templates WHERE project_slug = $1
     ORDER BY template_type"
);
const SET_DEFAULT: Sql = sql!(
    "INSERT INTO default_email_templates (project_slug, template_type, template_id) VALUES ($1, $2, $3)
     ON CONFLICT (project_slug, template_type) DO UPDATE SET template_id = excluded.template_id"
);
const UNSET_DEFAULT: Sql =
    sql!("DELETE FROM default_email_templates WHERE project_slug = $1 AND template_type = $2");
const TOUCH: Sql = sql!("UPDATE environments SET version = version + 1 WHERE project_slug = $1");

fn map(row: &Row) -> Result<EmailTemplate, StoreError> {
    Columns::of(row).json()
}

/// The templates of a project, oldest first.
pub async fn list(db: &Db, project: &str) -> Result<Vec<EmailTemplate>, StoreError> {
    db.rows(LIST, &args![project]).await?.iter().map(map).collect()
}

/// One template.
pub async fn find(db: &Db, project: &str, id: &str) -> Result<Option<EmailTemplate>, StoreError> {
    db.row(FIND, &args![project, id]).await?.as_ref().map(map).transpose()
}

/// Adds a template; `false` when its id is taken.
pub async fn insert(
    db: &Db,
    project: &str,
    template: &EmailTemplate,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let document = to_json(template)?;
    let arguments = args![project, &template.template_id, &document, now.micros()];
    Ok(db.exec(INSERT, &arguments).await? == 1)
}

/// Replaces a template.
pub async fn update(db: &Db, project: &str, template: &EmailTemplate) -> Result<(), StoreError> {
    let document = to_json(template)?;
    db.exec(UPDATE, &args![project, &template.template_id, &document]).await?;
    Ok(())
}

/// Deletes a template; `false` when there is none.
pub async fn delete(db: &Db, project: &str, id: &str) -> Result<bool, StoreError> {
    Ok(db.exec(DELETE, &args![project, id]).await? == 1)
}

/// The defaults of a project: for each type that has one, the id of its template.
pub async fn defaults(db: &Db, project: &str) -> Result<Vec<(TemplateType, String)>, StoreError> {
    let rows = db.rows(DEFAULTS, &args![project]).await?;
    rows.iter()
        .map(|row| {
            let mut columns = Columns::of(row);
            Ok((columns.word(TemplateType::parse)?, columns.get()?))
        })
        .collect()
}

/// Makes a template the default of a type.
pub async fn set_default(db: &Db, project: &str, kind: TemplateType, id: &str) -> Result<(), StoreError> {
    db.exec(SET_DEFAULT, &args![project, kind.as_str(), id]).await?;
    Ok(())
}

/// Takes the default of a type away, if there is one.
pub async fn unset_default(db: &Db, project: &str, kind: TemplateType) -> Result<(), StoreError> {
    db.exec(UNSET_DEFAULT, &args![project, kind.as_str()]).await?;
    Ok(())
}

/// Raises the version of every environment of a project, so that all nodes read its templates again.
pub async fn touch(db: &Db, project: &str) -> Result<(), StoreError> {
    db.exec(TOUCH, &args![project]).await?;
    Ok(())
}
