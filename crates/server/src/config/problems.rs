//! What is wrong with a configuration, said so that the operator can fix it without reading code.

use std::fmt;

/// One thing that is wrong. Never carries a secret's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it was written: `--listen`, `OSTIARY_LISTEN`, `ostiary.toml line 4`; the key when it is written
    /// nowhere.
    pub source: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// Everything that is wrong, source by source; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.reason)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => writeln!(f, "1 problem in the configuration")?,
            count => writeln!(f, "{count} problems in the configuration")?,
        }
        for problem in &self.0 {
            writeln!(f, "  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
impl std::error::Error for Problems {}
