//! Impersonation.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::reply::{Reply, authenticated};
use crate::ops::impersonation;
use crate::wire::Object;

/// `POST impersonation/authenticate`
pub async fn authenticate(call: Call) -> Result<Reply> {
    let token = call.fields.required("impersonation_token")?;
    let login = impersonation::authenticate(&call.cx, token).await?;
    Ok(authenticated(&call.cx, login, Object::new()))
}
