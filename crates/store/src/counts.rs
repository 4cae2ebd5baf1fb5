//! How much there is in an environment.

use crate::rows::Columns;
use crate::seam::{Db, Sql, StoreError};
use crate::{Scope, args, sql};

/// How much there is in an environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Organizations.
    pub organizations: i64,
    /// Members that are not deleted.
    pub members: i64,
    /// M2M clients, active or not.
    pub m2m_clients: i64,
}

const COUNT: Sql = sql!(
    "SELECT (SELECT COUNT(*) FROM organizations WHERE env = $1),
         (SELECT COUNT(*) FROM members WHERE env = $1 AND status <> 'deleted'),
         (SELECT COUNT(*) FROM m2m_clients WHERE env = $1)"
);

/// Counts what is there. Reads a whole index for each number.
pub async fn count(db: &Db, scope: Scope) -> Result<Counts, StoreError> {
    let Some(row) = db.long().row(COUNT, &args![scope.env]).await? else { return Ok(Counts::default()) };
    let mut columns = Columns::of(&row);
    Ok(Counts { organizations: columns.get()?, members: columns.get()?, m2m_clients: columns.get()? })
}
