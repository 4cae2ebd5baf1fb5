//! Operations: what the server does, without knowing how the request came in.
//!
//! Each takes a [`crate::cx::Cx`] and its input as a value, and gives a value or a catalogued error. The order is the
//! same everywhere: load, decide, write, commit, then talk to the world. Mails and text messages are rows of the
//! outbox, written in the same transaction.

pub mod actor;
pub mod codes;
pub mod counts;
pub mod discovery;
pub mod email_templates;
pub mod impersonation;
pub mod limits;
pub mod locks;
pub mod login;
pub mod lookup;
pub mod m2m;
pub mod magic_links;
pub mod mail;
pub mod management;
pub mod members;
pub mod organizations;
pub mod otp_email;
pub mod otp_sms;
pub mod passwords;
pub mod phones;
pub mod policy;
pub mod projects;
pub mod provisioning;
pub mod recovery_codes;
pub mod sandbox;
pub mod search;
pub mod second_factor;
pub mod sessions;
pub mod totp;
pub mod trusted_keys;
pub mod unlock;
