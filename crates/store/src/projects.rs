//! Projects: what several environments have in common.

use crate::rows::Columns;
use crate::seam::{Db, Row, Sql, StoreError};
use crate::{args, sql};
use ostiary_core::project::Vertical;
use ostiary_core::time::Timestamp;

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectRow {
    /// Its slug, by which operators name it.
    pub slug: String,
    /// Its name, as mails and pages show it.
    pub name: String,
    /// What it is for.
    pub vertical: Vertical,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How much an environment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Its organizations.
    pub organizations: i64,
    /// Its members, without deleted ones.
    pub members: i64,
    /// Its M2M clients.
    pub m2m_clients: i64,
}

const COLUMNS: &str = "slug, name, vertical, created_at";
const LIST: Sql = sql!("SELECT ", COLUMNS, " FROM projects ORDER BY created_at, slug");
const FIND: Sql = sql!("SELECT ", COLUMNS, " FROM projects WHERE slug = $1");
const INSERT: Sql = sql!(
    "INSERT INTO projects (slug, name, vertical, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
);
const RENAME: Sql = sql!("UPDATE projects SET name = $2 WHERE slug = $1");
const TOUCH_ENVIRONMENTS: Sql = sql!("UPDATE environments SET version = version + 1 WHERE project_slug = $1");
const DELETE: Sql = sql!("DELETE FROM projects WHERE slug = $1");
const COUNTS: Sql = sql!(
    "SELECT (SELECT COUNT(*) FROM organizations WHERE env = $1),
            (SELECT COUNT(*) FROM members WHERE env = $1 AND status <> 'deleted'),
            (SELECT COUNT(*) FROM m2m_clients WHERE env = $1)"
);

fn map(row: &Row) -> Result<ProjectRow, StoreError> {
    let mut columns = Columns::of(row);
    Ok(ProjectRow {
        slug: columns.get()?,
        name: columns.get()?,
        vertical: columns.word(Vertical::parse)?,
        created_at: columns.time()?,
    })
}

/// Every project, oldest first.
pub async fn list(db: &Db) -> Result<Vec<ProjectRow>, StoreError> {
    db.rows(LIST, &[]).await?.iter().map(map).collect()
}

/// The project with this slug.
pub async fn find(db: &Db, slug: &str) -> Result<Option<ProjectRow>, StoreError> {
    db.row(FIND, &args![slug]).await?.as_ref().map(map).transpose()
}

/// Adds a project; `false` when its slug is taken.
pub async fn insert(db: &Db, project: &ProjectRow) -> Result<bool, StoreError> {
    let arguments =
        args![&project.slug, &project.name, project.vertical.as_str(), project.created_at.micros()];
    Ok(db.exec(INSERT, &arguments).await? == 1)
}

/// Gives a project another name; `false` when there is no such project.
pub async fn rename(db: &Db, slug: &str, name: &str) -> Result<bool, StoreError> {
    db.exec(TOUCH_ENVIRONMENTS, &args![slug]).await?;
    Ok(db.exec(RENAME, &args![slug, name]).await? == 1)
}

/// Deletes a project with its environments and all that belongs to them; `false` when there is no such project.
pub async fn delete(db: &Db, slug: &str) -> Result<bool, StoreError> {
    Ok(db.exec(DELETE, &args![slug]).await? == 1)
}

/// How much an environment holds.
pub async fn counts(db: &Db, env: i64) -> Result<Counts, StoreError> {
    let row = db.row(COUNTS, &args![env]).await?;
    let row = row.ok_or_else(|| StoreError::Other("counting answered no row".to_owned()))?;
    Ok(Counts { organizations: row.get(0)?, members: row.get(1)?, m2m_clients: row.get(2)? })
}
