//! Pure rules and values of Ostiary: no I/O, no clock, no randomness.
//!
//! Everything here is a plain value or a plain function over values. Time, ids and secrets come in from
//! outside, so every rule can be tested exactly. The heart is [`login::decide`]: the factors that a member has
//! proven, against the rules of one organization, give a session or say what is still missing.
//!
//! ```
//! use ostiary_core::ids::{EnvironmentKind, OrganizationId};
//!
//! let id = OrganizationId::parse("organization-test-07971b06-ac8b-4cdb-9c15-63b17e653931", EnvironmentKind::Test);
//! assert!(id.is_ok());
//! ```

pub mod admission;
pub mod claim_template;
pub mod claims;
pub mod discovery;
pub mod email;
pub mod email_template;
pub mod error;
pub mod factor;
pub mod ids;
mod json_limits;
pub mod locale;
pub mod login;
pub mod m2m;
pub mod member;
pub mod metadata;
pub mod mfa;
pub mod organization;
pub mod password;
pub mod phone;
pub mod project;
pub mod rate_limit;
pub mod rbac;
pub mod redirect_set;
pub mod redirect_url;
pub mod sdk_config;
pub mod session;
pub mod slug;
pub mod time;
pub mod trusted_token;
pub mod wire_enum;
