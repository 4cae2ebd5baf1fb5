//! Projects.

use super::Operator;
use crate::cx::Result;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::project::{PROJECTS_MAX, Vertical, slug_of_name, validate_name, validate_slug};
use ostiary_proto::random;
use ostiary_store::projects::{self, ProjectRow};
use std::sync::Arc;

const SLUG_SUFFIX_CHARS: usize = 6;

/// Creates a project without environments; the caller adds those that it wants (spec 05a §1).
pub async fn create(
    operator: &Operator,
    name: &str,
    vertical: Vertical,
    slug: Option<String>,
) -> Result<ProjectRow> {
    validate_name(name)?;
    let slug = match slug {
        Some(slug) => {
            validate_slug(&slug, "project_slug")?;
            slug
        }
        None => {
            let suffix = random::uuid(operator.app.random.as_ref()).simple().to_string();
            slug_of_name(name, &suffix[..SLUG_SUFFIX_CHARS])
        }
    };
    let project = ProjectRow { slug, name: name.to_owned(), vertical, created_at: operator.now };
    let shared = Arc::new(project.clone());
    operator
        .app
        .store
        .write(move |tx| {
            let project = shared.clone();
            async move {
                if projects::list(&tx).await?.len() >= PROJECTS_MAX {
                    return Err(ErrorType::TooManyProjects.into());
                }
                if !projects::insert(&tx, &project).await? {
                    return Err(
                        ErrorType::InvalidArgument.with_message("Another project has that project_slug.")
                    );
                }
                Ok::<_, Error>(())
            }
        })
        .await?;
    Ok(project)
}

/// Every project, oldest first.
pub async fn list(operator: &Operator) -> Result<Vec<ProjectRow>> {
    Ok(projects::list(&operator.app.store.reader()).await?)
}

/// The project with this slug.
///
/// # Errors
/// `project_not_found`.
pub async fn get(operator: &Operator, slug: &str) -> Result<ProjectRow> {
    let found = projects::find(&operator.app.store.reader(), slug).await?;
    found.ok_or_else(|| ErrorType::ProjectNotFound.into())
}

/// Gives a project another name, which mails and pages show from then on.
pub async fn rename(operator: &Operator, slug: &str, name: Option<&str>) -> Result<ProjectRow> {
    if let Some(name) = name {
        validate_name(name)?;
        let input = Arc::new((slug.to_owned(), name.to_owned()));
        let is_there = operator
            .app
            .store
            .write(move |tx| {
                let input = input.clone();
                async move { Ok::<_, Error>(projects::rename(&tx, &input.0, &input.1).await?) }
            })
            .await?;
        if !is_there {
            return Err(ErrorType::ProjectNotFound.into());
        }
        operator.app.refresh_projects().await?;
    }
    get(operator, slug).await
}

/// Deletes a project with its environments and everything in them.
pub async fn delete(operator: &Operator, slug: &str) -> Result<()> {
    let input = Arc::new(slug.to_owned());
    let was_there = operator
        .app
        .store
        .write(move |tx| {
            let slug = input.clone();
            async move { Ok::<_, Error>(projects::delete(&tx, &slug).await?) }
        })
        .await?;
    operator.app.refresh_projects().await?;
    if was_there { Ok(()) } else { Err(ErrorType::ProjectNotFound.into()) }
}
