//! A call of the management API: who is checked and what is read before its handler runs.

use crate::app::App;
use crate::cx::Result;
use crate::http::access::Access;
use crate::http::authenticate;
use crate::http::routes::Route;
use crate::ops::management::{Operator, Place, keys};
use crate::wire::Fields;
use axum::http::HeaderMap;
use ostiary_core::error::ErrorType;
use std::sync::Arc;

/// A request of an operator.
pub struct OperatorCall {
    /// Who and when.
    pub operator: Operator,
    /// The fields of the body; none for methods without one.
    pub fields: Fields,
    /// The fields of the query.
    pub query: Fields,
    path: Vec<(String, String)>,
}

/// Finds the key of a request and refuses what it may not do.
pub async fn authorize(app: &Arc<App>, route: &Route, headers: &HeaderMap) -> Result<Operator> {
    let (id, secret) = authenticate::basic(headers)?;
    let key = Arc::new(keys::authenticate(app, &id, &secret).await?);
    let operator = Operator { app: app.clone(), now: app.clock.now(), key };
    if let Access::OperatorWith(scope) = route.access {
        operator.require(scope)?;
    }
    Ok(operator)
}

impl OperatorCall {
    /// Puts a call together.
    pub fn new(operator: Operator, fields: Fields, query: Fields, path: Vec<(String, String)>) -> Self {
        OperatorCall { operator, fields, query, path }
    }

    /// A parameter of the path.
    pub fn param(&self, name: &str) -> Result<&str> {
        let found = self.path.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).ok_or_else(|| ErrorType::RouteNotFound.into())
    }

    /// The environment that the path names.
    pub fn place(&self) -> Result<Place> {
        Ok(Place {
            project: self.param("project_slug")?.to_owned(),
            environment: self.param("environment_slug")?.to_owned(),
        })
    }
}
