//! The server of Ostiary: operations, HTTP surfaces, jobs, configuration.
//!
//! A request goes one way: [`http`] finds out who calls and what is said, an operation in [`ops`] loads, asks the rules
//! of `ostiary-core`, and writes in one transaction, and [`http`] encodes the answer. [`app::App`] is what all
//! requests share, [`cx::Cx`] the context of one.

pub mod app;
pub mod breach;
pub mod clock;
pub mod config;
pub mod cx;
pub mod dev;
pub mod devca;
pub mod fetch;
pub mod hashing;
pub mod http;
pub mod jobs;
pub mod keys;
pub mod listen;
pub mod ops;
pub mod outbound;
pub mod project;
pub mod run;
pub mod telemetry;
pub mod wire;

pub use ostiary_core::ids::EnvironmentKind;
pub use ostiary_core::project::KeyScope;
pub use ostiary_core::rbac;
pub use ostiary_core::redirect_url::{RedirectUrl, RedirectUrlType, ValidType};
