//! The HTTP surfaces: the server API under `/v1`, the browser API under `/sdk/v1`, the public pages, and what exists
//! under `ostiary dev` only.
//!
//! [`routes`] is one table from which the router, the permission checks, the metrics labels and the list of endpoints
//! in the documentation are made. A request passes [`dispatch`]: it finds out who is calling, reads the fields, checks
//! the permission of the route, runs the handler and encodes what came of it in the way of its surface.

pub mod access;
pub mod authenticate;
pub mod call;
pub mod cookies;
pub mod cors;
pub mod dev;
pub mod dispatch;
pub mod encode;
pub mod handlers;
mod in_two;
mod log;
pub mod oauth;
pub mod operator_call;
pub mod pages;
pub mod reply;
pub mod request_ids;
pub mod routes;

pub use dispatch::router;
