//! Sessions: checking, extending, listing, ending them (spec 01b §7).

pub mod activity;
pub mod attest;
pub mod cache;
pub mod check;
pub mod exchange;
pub mod manage;
pub mod migrate;
pub mod render;
pub mod tokens;

pub use tokens::{open_token, seal_token};
