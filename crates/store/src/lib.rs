//! Everything that Ostiary keeps, in SQLite or PostgreSQL.
//!
//! [`seam`] is the only place that knows the database drivers. The other modules hold one entity each: its
//! statements as constants, and functions that map rows to the values of `ostiary-core` and back. Functions take a
//! [`seam::Db`], which is either a transaction (inside [`seam::Store::write`]) or the autocommit reader, and a
//! [`Scope`], which every statement begins with, so that no query can reach into another environment.

pub mod addresses;
pub mod counts;
pub mod credentials;
pub mod discovery_locks;
pub mod email_templates;
pub mod environments;
mod errors;
pub mod impersonations;
pub mod inbox;
pub mod intermediate_sessions;
pub mod m2m_clients;
pub mod magic_links;
pub mod management_keys;
pub mod members;
pub mod migrate;
pub mod organizations;
pub mod otp_codes;
pub mod outbox;
pub mod passwords;
pub mod projects;
pub mod rate_limits;
pub mod recovery_codes;
pub mod role_assignments;
mod rows;
pub mod seam;
pub mod search;
pub mod server_state;
pub mod sessions;
pub mod sms_codes;
#[cfg(feature = "testing")]
pub mod testing;
pub mod totp;
pub mod trusted_tokens;

use ostiary_core::ids::EnvironmentKind;

/// The project environment that a call works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The environment's number, the first column of every table.
    pub env: i64,
    /// Its kind, which its ids show.
    pub kind: EnvironmentKind,
}
