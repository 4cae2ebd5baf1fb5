//! The `ostiary` command and its servers, tested from the outside.

mod nodes;
mod postgres;
mod process;
mod relay;
mod support;
