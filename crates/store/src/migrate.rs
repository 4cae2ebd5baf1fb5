//! The steps that bring a database to the shape that this version expects.
//!
//! A step is a numbered file in `migrations/`: one text for both engines, or a `.sqlite.sql` and a
//! `.postgres.sql` where dialects differ. Steps are applied in order when the store opens, each in
//! its own transaction together with its row in `schema_migrations`, so a step is applied wholly or
//! not at all, and by one node only when several start at once. A released step is never edited.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::seam::{Engine, StoreError};

/// The steps of this version in the order of their numbers.
pub const MIGRATIONS: &[Migration] = &[
    Migration::shared(1, "initial", include_str!("../migrations/0001_initial.sql")),
    Migration::shared(2, "passwords", include_str!("../migrations/0002_passwords.sql")),
    Migration::shared(3, "mfa", include_str!("../migrations/0003_mfa.sql")),
    Migration::shared(4, "members", include_str!("../migrations/0004_members.sql")),
    Migration::shared(5, "m2m", include_str!("../migrations/0005_m2m.sql")),
    Migration::shared(6, "management", include_str!("../migrations/0006_management.sql")),
    Migration::shared(7, "discovery lock times", include_str!("../migrations/0007_discovery_lock_times.sql")),
    Migration::shared(8, "impersonations", include_str!("../migrations/0008_impersonations.sql")),
    Migration::shared(9, "rate limits", include_str!("../migrations/0009_rate_limits.sql")),
    Migration::per_engine(
        10,
        "session_checks",
        include_str!("../migrations/0010_session_checks.sqlite.sql"),
        include_str!("../migrations/0010_session_checks.postgres.sql"),
    ),
    Migration::shared(11, "email templates", include_str!("../migrations/0011_email_templates.sql")),
    Migration::shared(12, "trusted tokens", include_str!("../migrations/0012_trusted_tokens.sql")),
];

/// One step.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub(crate) version: i64,
    pub(crate) name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

impl Migration {
    /// A step with the same statements on both engines.
    pub const fn shared(version: i64, name: &'static str, text: &'static str) -> Migration {
        Migration { version, name, sqlite: text, postgres: text }
    }

    /// A step where the dialects differ.
    pub const fn per_engine(
        version: i64,
        name: &'static str,
        sqlite: &'static str,
        postgres: &'static str,
    ) -> Migration {
        Migration { version, name, sqlite, postgres }
    }

    pub(crate) fn text(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }

    pub(crate) fn failed(&self, error: &StoreError) -> StoreError {
        let Migration { version, name, .. } = self;
        match error {
            StoreError::Unavailable { .. } => error.clone(),
            _ => StoreError::Other(format!("migration {version} ({name}) failed: {error}")),
        }
    }

    pub(crate) fn report(&self) {
        tracing::info!(
            migration.version = self.version,
            migration.name = self.name,
            "applied a database migration"
        );
    }
}

pub(crate) const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations \
    (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)";

pub(crate) const SELECT_VERSIONS: &str = "SELECT version FROM schema_migrations";

pub(crate) const INSERT: &str =
    "INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)";

/// The first step that is not applied yet. An error when the database knows a step that this
/// program does not: it was made by a newer version, whose rows this one might misread.
pub(crate) fn next<'m>(
    migrations: &'m [Migration],
    applied: &BTreeSet<i64>,
) -> Result<Option<&'m Migration>, StoreError> {
    let newest_known = migrations.last().map_or(0, |migration| migration.version);
    let known = |version: &i64| migrations.iter().any(|migration| migration.version == *version);
    if let Some(unknown) = applied.iter().rev().find(|version| !known(version)) {
        return Err(StoreError::Other(format!(
            "the database is at migration {unknown}, this program knows only {newest_known}: start \
             the version that last used the database or a newer one, or restore an older backup"
        )));
    }
    Ok(migrations.iter().find(|migration| !applied.contains(&migration.version)))
}

/// The time for `applied_at`, microseconds since 1970, UTC. Read here because the column is a note
/// for operators, not a value that any rule depends on.
pub(crate) fn now_micros() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: &[Migration] =
        &[Migration::shared(1, "first", ""), Migration::per_engine(2, "second", "s", "p")];

    #[test]
    fn steps_are_applied_in_order() {
        let version = |applied: &[i64]| {
            let applied = applied.iter().copied().collect();
            next(STEPS, &applied).unwrap().map(|step| step.version)
        };
        assert_eq!(version(&[]), Some(1));
        assert_eq!(version(&[1]), Some(2));
        assert_eq!(version(&[1, 2]), None);
    }

    #[test]
    fn a_newer_database_is_refused() {
        let error = next(STEPS, &BTreeSet::from([1, 2, 3])).unwrap_err();
        assert!(error.to_string().contains("at migration 3, this program knows only 2"));
    }

    #[test]
    fn the_steps_of_this_version_stand_in_the_order_of_their_numbers() {
        assert_eq!(MIGRATIONS[0].version, 1);
        assert!(MIGRATIONS.is_sorted_by(|step, next| step.version < next.version));
    }
}
