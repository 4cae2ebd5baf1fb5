//! The handlers: wire names on one side, operations on the other, and nothing else.

pub mod discovery;
pub mod impersonation;
pub mod m2m;
pub mod magic_links;
pub mod management;
pub mod member_emails;
pub mod members;
pub mod organizations;
pub mod otp_email;
pub mod otp_sms;
pub mod password_hashes;
pub mod passwords;
pub mod project;
pub mod rbac;
pub mod recovery_codes;
pub mod second_factor;
pub mod sessions;
pub mod totp;
