//! What operators do: they create projects and environments and decide what holds in them (spec 05a).
//!
//! Operators act from outside of any environment, so these operations get an [`Operator`] where others get a
//! [`crate::cx::Cx`], and find the environment by the slugs that the call names. Every change reads and writes in one
//! transaction and raises the version of the environment, by which all nodes notice it.

pub mod credentials;
pub mod email_templates;
pub mod environments;
pub mod keys;
pub mod policy;
pub mod projects;
pub mod redirect_urls;
pub mod sdk;
pub mod settings;
pub mod trusted_tokens;

use crate::app::App;
use crate::cx::{Cx, Result};
use ostiary_core::error::ErrorType;
use ostiary_core::project::{KeyScope, Vertical};
use ostiary_core::time::Timestamp;
use ostiary_store::environments::{self as environment_rows, Environment};
use ostiary_store::management_keys::ManagementKey;
use ostiary_store::seam::Db;
use std::sync::Arc;

/// On whose behalf an operation runs, and when.
#[derive(Clone)]
pub struct Operator {
    /// The server.
    pub app: Arc<App>,
    /// The time of the request.
    pub now: Timestamp,
    /// The key that was shown.
    pub key: Arc<ManagementKey>,
}

impl Operator {
    /// Refuses what the key may not do.
    pub fn require(&self, scope: KeyScope) -> Result<()> {
        if self.key.scopes.contains(&scope) {
            return Ok(());
        }
        Err(ErrorType::UnauthorizedAction.with_message(format!("The key does not have the scope {scope}.")))
    }

    /// The environment with these slugs, from the database, so that what one node has written another one reads.
    pub async fn environment(&self, place: &Place) -> Result<Environment> {
        find(&self.app.store.reader(), place).await
    }

    /// The context of operations within an environment, as its secret key would have it.
    pub async fn within(&self, place: &Place) -> Result<Cx> {
        let environment = self.environment(place).await?;
        let known = || self.app.projects.by_env(environment.scope.env);
        if known().is_none_or(|project| project.environment.version < environment.version) {
            self.app.refresh_projects().await?;
        }
        let project = known().ok_or(ErrorType::ProjectNotFound)?;
        if project.environment.vertical == Vertical::Consumer {
            return Err(ErrorType::InvalidB2bEndpoint.into());
        }
        Ok(Cx { app: self.app.clone(), project, now: self.now, is_backend: true })
    }
}

/// Which environment: the slug of its project and its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The slug of the project.
    pub project: String,
    /// The slug of the environment.
    pub environment: String,
}

/// The environment of a place.
async fn find(db: &Db, place: &Place) -> Result<Environment> {
    let found = environment_rows::find_by_slug(db, &place.project, &place.environment).await?;
    found.ok_or_else(|| {
        ErrorType::ProjectNotFound
            .with_message("There is no environment with that slug in a project with that slug.")
    })
}

/// Changes the environment of a place; see [`crate::ops::projects::change`].
async fn change<F>(operator: &Operator, place: &Place, change: F) -> Result<Environment>
where
    F: Fn(&mut Environment) -> Result<()> + Send + Sync + 'static,
{
    let environment = operator.environment(place).await?;
    crate::ops::projects::change(&operator.app, environment.scope, change).await
}
