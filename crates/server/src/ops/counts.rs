//! How much there is in a project.

use crate::cx::{Cx, Result};
use ostiary_store::counts::{self, Counts};

/// Counts organizations, members and M2M clients of the project.
pub async fn count(cx: &Cx) -> Result<Counts> {
    Ok(counts::count(&cx.reader(), cx.scope()).await?)
}
