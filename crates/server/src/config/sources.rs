//! Where values come from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Mode;
use super::keys::{KEYS, Key};
use super::problems::{Problem, Problems};
use super::values::{Kind, Raw};

/// The variable that names the configuration file.
pub const CONFIG_FILE_VARIABLE: &str = "OSTIARY_CONFIG";

/// All that is read, gathered by the caller so that reading itself is a function of values.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The command.
    pub mode: Mode,
    /// Values of flags by [`Key::path`].
    pub flags: BTreeMap<String, String>,
    /// The environment; what does not start with `OSTIARY_` is left alone.
    pub environment: BTreeMap<String, String>,
    /// The configuration file, when there is one.
    pub file: Option<TomlFile>,
    /// Reads a file that holds a secret.
    pub read_secret: fn(&Path) -> io::Result<String>,
}

/// The configuration file.
#[derive(Clone, Debug)]
pub struct TomlFile {
    /// Its name, for messages.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
}

impl Sources {
    /// The sources of this process: its environment and the file named by `file` (the `--config` flag) or else
    /// by `OSTIARY_CONFIG`. `flags` holds values by [`Key::path`].
    ///
    /// # Errors
    /// When the file cannot be read or a variable is not UTF-8.
    pub fn of_process(
        mode: Mode,
        flags: BTreeMap<String, String>,
        file: Option<PathBuf>,
    ) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let mut environment = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with("OSTIARY_")) else { continue };
            match value.into_string() {
                Ok(value) => drop(environment.insert(name.to_owned(), value)),
                Err(_) => {
                    problems.push(Problem { source: name.to_owned(), reason: "is not UTF-8".to_owned() })
                }
            }
        }
        let named = match (file, environment.get(CONFIG_FILE_VARIABLE)) {
            (Some(path), _) => Some(("--config", path)),
            (None, Some(path)) => Some((CONFIG_FILE_VARIABLE, PathBuf::from(OsString::from(path)))),
            (None, None) => None,
        };
        let mut file = None;
        if let Some((source, path)) = named {
            match std::fs::read_to_string(&path) {
                Ok(text) => file = Some(TomlFile { path, text }),
                Err(error) => problems.push(Problem {
                    source: source.to_owned(),
                    reason: format!("cannot read {}: {error}", path.display()),
                }),
            }
        }
        if problems.is_empty() {
            Ok(Sources { mode, flags, environment, file, read_secret: |path| std::fs::read_to_string(path) })
        } else {
            Err(Problems(problems))
        }
    }
}

/// A value that a source holds for a key.
pub(super) struct Entry {
    /// Where it is written.
    pub(super) source: String,
    pub(super) key: &'static Key,
    pub(super) written: Written,
}

/// How a source holds a value.
pub(super) enum Written {
    /// The value itself.
    Here(Raw),
    /// The name of the file it is in.
    InFile(PathBuf),
}

/// The values of the configuration file.
pub(super) fn entries_of_file(file: &TomlFile, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let line_of = |at: usize| file.text[..at].matches('\n').count() + 1;
    let source_at = |at: usize| format!("{} line {}", file.path.display(), line_of(at));
    let mut entries = Vec::new();
    match DeTable::parse(&file.text) {
        Ok(table) => collect(table.get_ref(), "", &source_at, &mut entries, problems),
        Err(error) => problems.push(Problem {
            source: source_at(error.span().map_or(0, |span| span.start)),
            reason: error.message().to_owned(),
        }),
    }
    entries
}

fn collect(
    table: &DeTable<'_>,
    prefix: &str,
    source_at: &dyn Fn(usize) -> String,
    entries: &mut Vec<Entry>,
    problems: &mut Vec<Problem>,
) {
    for (name, value) in table {
        let path = format!("{prefix}{}", name.get_ref());
        let source = source_at(name.span().start);
        let is_table_of_keys = KEYS.iter().any(|key| key.path.starts_with(&format!("{path}.")));
        match (find_key(&path), value.get_ref()) {
            (Some((key, false)), _) => match raw(key, value) {
                Ok(raw) => entries.push(Entry { source, key, written: Written::Here(raw) }),
                Err(reason) => problems.push(Problem { source, reason: format!("{path} {reason}") }),
            },
            (Some((key, true)), DeValue::String(file)) => {
                entries.push(Entry { source, key, written: Written::InFile(PathBuf::from(file.as_ref())) });
            }
            (Some((_, true)), _) => {
                problems.push(Problem { source, reason: format!("{path} takes the name of a file") });
            }
            (None, DeValue::Table(inner)) if is_table_of_keys => {
                collect(inner, &format!("{path}."), source_at, entries, problems);
            }
            (None, _) if is_table_of_keys => {
                problems.push(Problem { source, reason: format!("{path} is a table: write [{path}]") });
            }
            (None, _) => {
                problems.push(Problem { source, reason: format!("{path} {}", unknown(&path, file_names())) })
            }
        }
    }
}

/// The key of a name in the file, and whether the name is the one that names a secret's file.
fn find_key(path: &str) -> Option<(&'static Key, bool)> {
    KEYS.iter().find_map(|key| {
        if key.path == path {
            Some((key, false))
        } else if key.file_path().as_deref() == Some(path) {
            Some((key, true))
        } else {
            None
        }
    })
}

fn raw(key: &Key, value: &Spanned<DeValue<'_>>) -> Result<Raw, String> {
    let wrong = || format!("takes {}", key.kind);
    match (value.get_ref(), key.kind) {
        (DeValue::String(text), _) => Ok(Raw::Text(text.to_string())),
        (DeValue::Integer(integer), _) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).map(Raw::Integer).map_err(|_| wrong())
        }
        (DeValue::Boolean(boolean), _) => Ok(Raw::Boolean(*boolean)),
        (DeValue::Array(items), Kind::Networks) => {
            let texts: Option<Vec<String>> =
                items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect();
            texts.map(Raw::List).ok_or_else(wrong)
        }
        (DeValue::Table(members), Kind::Headers) => {
            let texts: Option<BTreeMap<String, String>> = members
                .iter()
                .map(|(name, member)| {
                    Some((name.get_ref().to_string(), member.get_ref().as_str()?.to_owned()))
                })
                .collect();
            texts.map(Raw::Table).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

/// The values of the environment.
pub(super) fn entries_of_environment(
    environment: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, value) in environment.iter().filter(|(name, _)| name.starts_with("OSTIARY_")) {
        let source = name.clone();
        if let Some(key) = KEYS.iter().find(|key| key.variable() == *name) {
            entries.push(Entry { source, key, written: Written::Here(Raw::Text(value.clone())) });
        } else if let Some(key) = KEYS.iter().find(|key| key.file_variable().as_deref() == Some(name)) {
            entries.push(Entry { source, key, written: Written::InFile(PathBuf::from(value)) });
        } else if name != CONFIG_FILE_VARIABLE && !name.starts_with("OSTIARY_TEST_") && !is_service_link(name)
        {
            problems.push(Problem { source, reason: unknown(name, variable_names()) });
        }
    }
    entries
}

/// The values of the command line.
pub(super) fn entries_of_flags(flags: &BTreeMap<String, String>, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (path, value) in flags {
        match KEYS.iter().find(|key| key.path == path) {
            Some(Key { flag: None, .. }) => problems.push(Problem {
                source: path.clone(),
                reason: "cannot be set by a flag; use the environment or the file".to_owned(),
            }),
            Some(key) => entries.push(Entry {
                source: format!("--{}", key.flag.unwrap_or(key.path)),
                key,
                written: Written::Here(Raw::Text(value.clone())),
            }),
            None => problems.push(Problem { source: path.clone(), reason: unknown(path, file_names()) }),
        }
    }
    entries
}

/// Whether an orchestrator put the variable there. Kubernetes and Docker links describe a service called
/// `ostiary` or `ostiary-…` to every container beside it: `OSTIARY_SERVICE_HOST`, `OSTIARY_PORT_8080_TCP_ADDR`.
fn is_service_link(name: &str) -> bool {
    if ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"].iter().any(|end| name.ends_with(end)) {
        return true;
    }
    if name.contains("_SERVICE_PORT_") {
        return true;
    }
    let mut words = name.rsplit('_').skip_while(|word| matches!(*word, "PROTO" | "PORT" | "ADDR"));
    matches!(words.next(), Some("TCP" | "UDP" | "SCTP"))
        && words.next().is_some_and(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()))
        && words.next() == Some("PORT")
}

fn file_names() -> impl Iterator<Item = String> {
    KEYS.iter()
        .flat_map(|key| {
            let table = key.path.rsplit_once('.').map(|(table, _)| table.to_owned());
            [Some(key.path.to_owned()), key.file_path(), table]
        })
        .flatten()
}

fn variable_names() -> impl Iterator<Item = String> {
    KEYS.iter().flat_map(|key| [Some(key.variable()), key.file_variable()]).flatten()
}

/// The refusal of a name, with the known name that was probably meant.
fn unknown(name: &str, known: impl Iterator<Item = String>) -> String {
    let closest = known.map(|candidate| (edit_distance(name, &candidate), candidate)).min();
    match closest {
        Some((distance, candidate)) if distance <= 3 => {
            format!("is not known; did you mean {candidate}?")
        }
        _ => "is not known".to_owned(),
    }
}

/// How many characters must be added, removed or replaced to get from one name to another.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, from_char) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, to_char) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(from_char != *to_char);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_single_edits() {
        for (from, to, distance) in
            [("", "abc", 3), ("listen", "listen", 0), ("listn", "listen", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(edit_distance(from, to), distance, "{from} {to}");
        }
    }

    #[test]
    fn variables_of_orchestrators_are_told_from_misspelt_ones() {
        for name in [
            "OSTIARY_SERVICE_HOST",
            "OSTIARY_SERVICE_PORT",
            "OSTIARY_SERVICE_PORT_HTTP",
            "OSTIARY_PORT",
            "OSTIARY_PORT_8080_TCP",
            "OSTIARY_PORT_8080_TCP_ADDR",
            "OSTIARY_PORT_8080_TCP_PORT",
            "OSTIARY_POSTGRES_PORT_5432_TCP_PROTO",
        ] {
            assert!(is_service_link(name), "{name}");
        }
        for name in ["OSTIARY_LISTN", "OSTIARY_PORT_TCP", "OSTIARY_HTTP_ADDR", "OSTIARY_DATABASE_HOST"] {
            assert!(!is_service_link(name), "{name}");
        }
    }
}
