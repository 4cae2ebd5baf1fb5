//! The `ostiary` command: the server, and what an operator does from a command line.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
