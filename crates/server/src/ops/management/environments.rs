//! Environments of projects.

use super::{Operator, Place, find, projects};
use crate::cx::Result;
use crate::ops::projects as provisioning;
use ostiary_core::claim_template::ClaimTemplate;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::{EnvironmentKind, ProjectId, PublicToken};
use ostiary_core::project::{slug_of_name, validate_name, validate_slug};
use ostiary_core::rbac::Policy;
use ostiary_proto::random;
use ostiary_store::environments::{self, Environment, EnvironmentSettings, NewEnvironment};
use ostiary_store::projects::Counts;
use std::ops::RangeInclusive;
use std::sync::Arc;
use url::Url;

const SLUG_SUFFIX_CHARS: usize = 6;
/// How many failures in a row may lock a member (spec 01d §3).
const LOCK_THRESHOLD: RangeInclusive<i64> = 1..=100;
/// How long a lock may last, in seconds (spec 01d §3).
const LOCK_SECONDS: RangeInclusive<i64> = 300..=604_800;
const URL_BYTES_MAX: usize = 2048;

/// What is to become different; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields of the management API, spec 05a §1")]
pub struct Change {
    pub name: Option<String>,
    pub cross_org_passwords_enabled: Option<bool>,
    pub user_impersonation_enabled: Option<bool>,
    pub zero_downtime_session_migration_url: Option<String>,
    pub use_custom_domain_in_magic_link_emails: Option<bool>,
    pub user_lock_self_serve_enabled: Option<bool>,
    pub user_lock_threshold: Option<i64>,
    pub user_lock_ttl: Option<i64>,
    pub idp_authorization_url: Option<String>,
    pub idp_dynamic_client_registration_enabled: Option<bool>,
    pub idp_dynamic_client_registration_access_token_template_content: Option<String>,
}

impl Change {
    fn apply(&self, label: &mut String, settings: &mut EnvironmentSettings) -> Result<()> {
        if let Some(name) = &self.name {
            validate_name(name)?;
            label.clone_from(name);
        }
        if let Some(threshold) = self.user_lock_threshold {
            if !LOCK_THRESHOLD.contains(&threshold) {
                return Err(ErrorType::InvalidUserLockThreshold.into());
            }
            settings.lock.threshold = threshold;
        }
        if let Some(seconds) = self.user_lock_ttl {
            if !LOCK_SECONDS.contains(&seconds) {
                return Err(ErrorType::InvalidUserLockTtl.into());
            }
            settings.lock.ttl_seconds = seconds;
        }
        if let Some(url) = &self.zero_downtime_session_migration_url {
            check_url("zero_downtime_session_migration_url", url)?;
            settings.zero_downtime_session_migration_url.clone_from(url);
        }
        if let Some(url) = &self.idp_authorization_url {
            check_url("idp_authorization_url", url)?;
            settings.idp_authorization_url.clone_from(url);
        }
        if let Some(template) = &self.idp_dynamic_client_registration_access_token_template_content {
            if !template.is_empty() {
                ClaimTemplate::parse(template)?;
            }
            settings.idp_dynamic_client_registration_access_token_template_content.clone_from(template);
        }
        let set = |to: &mut bool, from: Option<bool>| *to = from.unwrap_or(*to);
        set(&mut settings.cross_org_passwords_enabled, self.cross_org_passwords_enabled);
        set(&mut settings.user_impersonation_enabled, self.user_impersonation_enabled);
        set(&mut settings.user_lock_self_serve_enabled, self.user_lock_self_serve_enabled);
        set(
            &mut settings.use_custom_domain_in_magic_link_emails,
            self.use_custom_domain_in_magic_link_emails,
        );
        set(
            &mut settings.idp_dynamic_client_registration_enabled,
            self.idp_dynamic_client_registration_enabled,
        );
        Ok(())
    }
}

/// Checks the form of a URL that the server or a browser will follow; where it leads is asked when it is followed
/// since names can be pointed elsewhere later.
fn check_url(field: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let is_good = text.len() <= URL_BYTES_MAX
        && Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "https" | "http")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        });
    if is_good {
        return Ok(());
    }
    Err(ErrorType::InvalidArgument
        .with_message(format!("{field} must be an http or https URL without credentials, or empty.")))
}

/// An environment to be created.
#[derive(Clone, Debug)]
pub struct New {
    /// The slug of its project.
    pub project: String,
    /// Its kind.
    pub kind: EnvironmentKind,
    /// Its slug; one that follows from its name when absent.
    pub slug: Option<String>,
    /// Its name and settings; the name must be there.
    pub change: Change,
}

/// Creates an environment with a public token and a signing key. A project has at most one live environment, and test
/// environments only beside it (spec 05a §1).
pub async fn create(operator: &Operator, new: New) -> Result<Environment> {
    let random = operator.app.random.as_ref();
    let (mut label, mut settings) = (String::new(), EnvironmentSettings::default());
    new.change.apply(&mut label, &mut settings)?;
    let slug = match &new.slug {
        Some(slug) => {
            validate_slug(slug, "environment_slug")?;
            slug.clone()
        }
        None => {
            let suffix = random::uuid(random).simple().to_string();
            slug_of_name(&label, &suffix[..SLUG_SUFFIX_CHARS])
        }
    };
    projects::get(operator, &new.project).await?;
    let environment = NewEnvironment {
        project_id: ProjectId::new(random::uuid(random), new.kind),
        kind: new.kind,
        project_slug: new.project,
        slug,
        label,
        settings,
        policy: Policy::default(),
    };
    let public_token = PublicToken::new(random::uuid(random), new.kind);
    let place = Place { project: environment.project_slug.clone(), environment: environment.slug.clone() };
    let input = Arc::new(environment);
    let shared = operator.clone();
    operator
        .app
        .store
        .write(move |tx| {
            let (operator, new) = (shared.clone(), input.clone());
            async move {
                let siblings = environments::of_project(&tx, &new.project_slug).await?;
                let has_live = siblings.iter().any(|known| known.scope.kind == EnvironmentKind::Live);
                let conflict = match new.kind {
                    EnvironmentKind::Live if has_live => Some("The project has a LIVE environment already."),
                    EnvironmentKind::Test if !has_live => {
                        Some("A project needs a LIVE environment before it can have TEST ones.")
                    }
                    _ => None,
                };
                if let Some(conflict) = conflict {
                    return Err(ErrorType::InvalidArgument.with_message(conflict));
                }
                let made =
                    provisioning::provision(&tx, &operator.app, &new, public_token, operator.now).await?;
                if made.is_none() {
                    return Err(ErrorType::InvalidArgument
                        .with_message("Another environment of the project has that environment_slug."));
                }
                Ok::<_, Error>(())
            }
        })
        .await?;
    operator.app.refresh_projects().await?;
    operator.environment(&place).await
}

/// The environments of a project, oldest first.
pub async fn list(operator: &Operator, project: &str) -> Result<Vec<Environment>> {
    projects::get(operator, project).await?;
    Ok(environments::of_project(&operator.app.store.reader(), project).await?)
}

/// Changes an environment.
pub async fn update(operator: &Operator, place: &Place, change: Change) -> Result<Environment> {
    super::change(operator, place, move |environment| {
        change.apply(&mut environment.label, &mut environment.settings)
    })
    .await
}

/// Deletes a test environment with everything in it. The live one goes with its project only.
pub async fn delete(operator: &Operator, place: &Place) -> Result<()> {
    let input = Arc::new(place.clone());
    operator
        .app
        .store
        .write(move |tx| {
            let place = input.clone();
            async move {
                let environment = find(&tx, &place).await?;
                if environment.scope.kind == EnvironmentKind::Live {
                    return Err(ErrorType::InvalidArgument
                        .with_message("A LIVE environment can only be deleted together with its project."));
                }
                Ok::<_, Error>(environments::delete(&tx, environment.scope).await?)
            }
        })
        .await?;
    operator.app.refresh_projects().await
}

/// How much an environment holds.
pub async fn counts(operator: &Operator, place: &Place) -> Result<Counts> {
    let environment = operator.environment(place).await?;
    Ok(ostiary_store::projects::counts(&operator.app.store.reader().long(), environment.scope.env).await?)
}
