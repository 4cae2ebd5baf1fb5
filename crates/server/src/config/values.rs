//! What a value can be, and how it is read from whichever source it comes.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use super::keys::Key;

/// Text that must not be seen: prints as `***`, everywhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: String) -> Self {
        Secret(text)
    }

    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a key takes; checked while reading, and said in the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IP address and port.
    Address,
    /// Path of a file or directory.
    Path,
    /// A value with its own form, said in words.
    Text(&'static str),
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A whole number within bounds, in a unit.
    Integer {
        /// Smallest value.
        min: u32,
        /// Largest value.
        max: u32,
        /// What is counted.
        unit: &'static str,
    },
    /// `true` or `false`.
    Boolean,
    /// Address ranges: an array in the file, separated by commas elsewhere.
    Networks,
    /// Names and texts: a table in the file, a JSON object elsewhere.
    Headers,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Address => f.write_str("an IP address and port such as 127.0.0.1:8080 or [::1]:8080"),
            Kind::Path => f.write_str("a path"),
            Kind::Text(what) => f.write_str(what),
            Kind::Choice(words) => f.write_str(&words.join(" or ")),
            Kind::Integer { min, max, unit } => write!(f, "a number of {unit} from {min} to {max}"),
            Kind::Boolean => f.write_str("true or false"),
            Kind::Networks => f.write_str("a list of address ranges (CIDR)"),
            Kind::Headers => f.write_str("a table of texts"),
        }
    }
}

/// A value as its source wrote it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    /// A flag, a variable, the content of a file, or a TOML string.
    Text(String),
    /// A TOML integer.
    Integer(i64),
    /// A TOML boolean.
    Boolean(bool),
    /// A TOML array of strings.
    List(Vec<String>),
    /// A TOML table of strings.
    Table(BTreeMap<String, String>),
}

/// A value on its way into the configuration, together with the key it is for.
pub(super) struct Given<'a> {
    key: &'a Key,
    raw: &'a Raw,
}

impl<'a> Given<'a> {
    pub(super) fn new(key: &'a Key, raw: &'a Raw) -> Self {
        Given { key, raw }
    }

    /// The refusal of a value that is not of the key's kind. Repeats the value unless it is secret.
    fn wrong(&self) -> String {
        let kind = self.key.kind;
        match self.raw {
            Raw::Text(text) if !self.key.secret => format!("{text:?} is not {kind}"),
            _ => format!("takes {kind}"),
        }
    }

    pub(super) fn text(&self) -> Result<&'a str, String> {
        match self.raw {
            Raw::Text(text) if text.trim().is_empty() => Err("is empty".to_owned()),
            Raw::Text(text) => Ok(text),
            _ => Err(self.wrong()),
        }
    }

    pub(super) fn secret(&self) -> Result<Secret, String> {
        Ok(Secret::new(self.text()?.to_owned()))
    }

    pub(super) fn path(&self) -> Result<PathBuf, String> {
        Ok(PathBuf::from(self.text()?))
    }

    pub(super) fn address(&self) -> Result<SocketAddr, String> {
        self.text()?.parse().map_err(|_| self.wrong())
    }

    /// A whole number within the bounds of the key.
    pub(super) fn integer(&self) -> Result<u32, String> {
        let Kind::Integer { min, max, .. } = self.key.kind else {
            unreachable!("{} is read as an integer and so declared as one", self.key.path);
        };
        let number = match self.raw {
            Raw::Integer(number) => Some(*number),
            // `parse` alone would take "+5".
            Raw::Text(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        };
        match number.and_then(|number| u32::try_from(number).ok()) {
            Some(number) if (min..=max).contains(&number) => Ok(number),
            _ => Err(match self.raw {
                Raw::Integer(number) => format!("{number} is not {}", self.key.kind),
                _ => self.wrong(),
            }),
        }
    }

    pub(super) fn boolean(&self) -> Result<bool, String> {
        match self.raw {
            Raw::Boolean(value) => Ok(*value),
            Raw::Text(text) if text == "true" => Ok(true),
            Raw::Text(text) if text == "false" => Ok(false),
            _ => Err(self.wrong()),
        }
    }

    /// One of the key's words, by position.
    pub(super) fn choice<T: Copy>(&self, meanings: &[T]) -> Result<T, String> {
        let Kind::Choice(words) = self.key.kind else {
            unreachable!("{} is read as a choice and so declared as one", self.key.path);
        };
        let text = self.text()?;
        let chosen = words.iter().position(|word| *word == text).and_then(|at| meanings.get(at));
        chosen.copied().ok_or_else(|| self.wrong())
    }

    /// A list; elements of a text are separated by commas, and an empty text is an empty list.
    pub(super) fn list<T: FromStr<Err = String>>(&self) -> Result<Vec<T>, String> {
        match self.raw {
            Raw::List(items) => items.iter().map(|item| item.parse()).collect(),
            Raw::Text(text) if text.trim().is_empty() => Ok(Vec::new()),
            Raw::Text(text) => text.split(',').map(|item| item.trim().parse()).collect(),
            _ => Err(self.wrong()),
        }
    }

    pub(super) fn table(&self) -> Result<BTreeMap<String, String>, String> {
        match self.raw {
            Raw::Table(table) => Ok(table.clone()),
            // The reason of serde_json may quote the text, which is secret.
            Raw::Text(text) => {
                serde_json::from_str(text).map_err(|_| "is not a JSON object of strings".to_owned())
            }
            _ => Err(self.wrong()),
        }
    }
}
