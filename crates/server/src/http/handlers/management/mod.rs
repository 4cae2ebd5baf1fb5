//! The management API under `/pwa/v3` (spec 05a §3), and `/admin/v1` for what the vendor has no API for. All members of an object are always there, since the official
//! Python client insists on them.

pub mod credentials;
pub mod email_templates;
pub mod environments;
pub mod impersonation;
pub mod members;
pub mod policy;
pub mod projects;
pub mod redirect_urls;
pub mod settings;
pub mod trusted_tokens;
