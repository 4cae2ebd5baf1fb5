//! What the command prints and how it ends.

use std::io::{self, Write as _};
use std::process::ExitCode;

/// Why a command did not do its work.
#[derive(Debug)]
pub struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// It was typed or configured wrongly.
    pub fn usage(text: impl Into<String>) -> Self {
        Failure { text: text.into(), code: 2 }
    }

    /// Something did not work.
    pub fn failed(text: impl Into<String>) -> Self {
        Failure { text: text.into(), code: 1 }
    }

    /// Prints the reason and gives the exit code.
    pub fn report(self) -> ExitCode {
        // Where not even this can be written, the exit code has to say it.
        let _ = writeln!(io::stderr(), "ostiary: {}", self.text.trim_end());
        ExitCode::from(self.code)
    }
}

impl From<ostiary_server::run::StartError> for Failure {
    fn from(error: ostiary_server::run::StartError) -> Self {
        Failure::failed(error.to_string())
    }
}

/// Prints a line. A reader that went away (`| head`) is no failure.
pub fn line(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(error.to_string())),
        _ => Ok(()),
    }
}
