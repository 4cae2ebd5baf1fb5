//! The server through its HTTP surfaces, on SQLite and (where `OSTIARY_TEST_POSTGRES_URL` names a server) PostgreSQL.

mod callers;
mod harness;
mod operators;
mod second_factors;

mod bad_input;
mod browser;
mod discovery;
mod email_templates;
mod email_update;
mod fields;
mod impersonation;
mod isolation;
mod limits;
mod m2m;
mod magic_links;
mod management;
mod members;
mod model;
mod nodes;
mod organizations;
mod otp_email;
mod otp_sms;
mod pages;
mod password_migrate;
mod passwords;
mod passwords_shared;
mod permissions;
mod races;
mod rbac;
mod recovery_codes;
mod search;
mod session_exchange;
mod sessions;
mod totp;
mod validation;
