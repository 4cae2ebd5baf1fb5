//! Bringing clients along from another system (spec 03c §5): a list in JSON or CSV, applied as often as one likes.
//!
//! Callers keep the id and secret that they have, and only the URL of the token endpoint changes for them. From Auth0,
//! a list is made of the applications of type "machine to machine" and the scopes of their grants:
//!
//! ```csv
//! client_id,client_secret,name,description,scopes,metadata
//! 3MVG9lKcPoNINVBIPJjdw1J9LLM82HnF,1955279925675241571_nR8pQ,Nightly export,,read:notes write:reports,"{""org"":""acme""}"
//! ```
//!
//! A client that is there already gets the name, description, scopes and metadata of the list; its secret stays.

use super::clients::{self, NewClient, Prepared};
use super::secret::{self, SecretHash};
use super::{get, parse_id};
use crate::cx::{Cx, Result};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::m2m::{M2mClient, M2mClientChange, last_four};
use ostiary_proto::password_hash::PasswordHash;
use serde_json::{Map, Value};

/// The most clients of one list.
pub const ENTRIES_MAX: usize = 10_000;
/// The most bytes of one list.
pub const LIST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The secret that a client brings along.
#[derive(Clone, PartialEq, Eq)]
enum BroughtSecret {
    /// None: it gets a new one.
    None,
    Plain(String),
    /// Only its hash, in the text form of a scheme that passwords may have too.
    Hash {
        hash: String,
        last_four: String,
    },
}

/// A client of a list.
#[derive(Clone)]
pub struct Entry {
    id: String,
    secret: BroughtSecret,
    change: M2mClientChange,
}

/// What became of a client of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is there now; with the secret that was made for it, if it brought none along.
    Created(Option<String>),
    /// It was there and has changed.
    Updated,
    /// It was there and is as the list says.
    Unchanged,
    /// It cannot be as the list says.
    Refused(Error),
}

/// Reads a list: a JSON array of objects, or CSV (RFC 4180) with a line of names. Scopes are a list or separated by
/// spaces, metadata is an object or the text of one. Other names are ignored.
///
/// # Errors
/// `invalid_argument` with the number of the entry that cannot be read.
pub fn read(list: &str) -> Result<Vec<Entry>> {
    if list.len() > LIST_BYTES_MAX {
        return Err(invalid(format!("The list has more than {LIST_BYTES_MAX} bytes.")));
    }
    let list = list.trim_start_matches('\u{feff}');
    let objects = if list.trim_start().starts_with('[') {
        serde_json::from_str::<Vec<Map<String, Value>>>(list)
            .map_err(|error| invalid(format!("The list is not a JSON array of objects: {error}.")))?
    } else {
        read_csv(list)?
    };
    if objects.len() > ENTRIES_MAX {
        return Err(invalid(format!("The list has more than {ENTRIES_MAX} clients.")));
    }
    objects.iter().enumerate().map(|(index, object)| read_entry(index + 1, object)).collect()
}

fn invalid(message: String) -> Error {
    ErrorType::InvalidArgument.with_message(message)
}

fn read_entry(number: usize, object: &Map<String, Value>) -> Result<Entry> {
    let text = |names: &[&str]| -> Result<Option<String>> {
        match find(object, names) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(invalid(format!("{} of client {number} must be a text.", names[0]))),
        }
    };
    let filled = |names: &[&str]| text(names).map(|text| text.filter(|text| !text.is_empty()));
    let id = filled(&["client_id"])?;
    let secret = match (filled(&["client_secret"])?, filled(&["client_secret_hash"])?) {
        (Some(secret), None) => BroughtSecret::Plain(secret),
        (None, Some(hash)) => {
            BroughtSecret::Hash { hash, last_four: text(&["client_secret_last_four"])?.unwrap_or_default() }
        }
        (None, None) => BroughtSecret::None,
        (Some(_), Some(_)) => {
            return Err(invalid(format!("Client {number} has a client_secret and a client_secret_hash.")));
        }
    };
    Ok(Entry {
        id: id.ok_or_else(|| invalid(format!("Client {number} has no client_id.")))?,
        secret,
        change: M2mClientChange {
            name: text(&["name", "client_name"])?,
            description: text(&["description", "client_description"])?,
            status: None,
            scopes: read_scopes(number, find(object, &["scopes", "scope"]))?,
            trusted_metadata: read_metadata(
                number,
                find(object, &["metadata", "trusted_metadata", "client_metadata"]),
            )?,
        },
    })
}

/// The value under the first of the names that has one.
fn find<'a>(object: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| object.get(*name).filter(|value| !value.is_null()))
}

fn read_scopes(number: usize, value: Option<&Value>) -> Result<Option<Vec<String>>> {
    let wrong =
        || invalid(format!("scopes of client {number} must be a list of texts or separated by spaces."));
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.split_whitespace().map(str::to_owned).collect())),
        Some(Value::Array(list)) => {
            let scopes = list.iter().map(|scope| scope.as_str().map(str::to_owned).ok_or_else(wrong));
            scopes.collect::<Result<Vec<_>>>().map(Some)
        }
        Some(_) => Err(wrong()),
    }
}

fn read_metadata(number: usize, value: Option<&Value>) -> Result<Option<Map<String, Value>>> {
    let wrong = || invalid(format!("metadata of client {number} must be an object or the text of one."));
    match value {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map.clone())),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| wrong()),
        Some(_) => Err(wrong()),
    }
}

/// The records of a CSV text as objects of texts, under the names of its first line.
fn read_csv(text: &str) -> Result<Vec<Map<String, Value>>> {
    let mut records = csv_records(text)?.into_iter();
    let names = records.next().unwrap_or_default();
    let object = |(index, record): (usize, Vec<String>)| {
        if record.len() != names.len() {
            return Err(invalid(format!(
                "Client {} has {} values and the first line names {}.",
                index + 1,
                record.len(),
                names.len()
            )));
        }
        let name = |name: &String| name.trim().to_lowercase();
        Ok(names.iter().map(name).zip(record.into_iter().map(Value::String)).collect())
    };
    records.enumerate().map(object).collect()
}

/// Fields in quotation marks may have commas, line ends and doubled quotation marks in them. Empty lines are left out.
fn csv_records(text: &str) -> Result<Vec<Vec<String>>> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut is_quoted, mut was_quoted) = (false, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if field.is_empty() && !was_quoted => (is_quoted, was_quoted) = (true, true),
            ',' if !is_quoted => {
                record.push(std::mem::take(&mut field));
                was_quoted = false;
            }
            '\r' if !is_quoted && characters.peek() == Some(&'\n') => {}
            '\n' if !is_quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
                was_quoted = false;
            }
            _ => field.push(character),
        }
    }
    if is_quoted {
        return Err(invalid("A quotation mark of the list is not closed.".to_owned()));
    }
    record.push(field);
    records.push(record);
    records.retain(|record| record.iter().any(|field| !field.is_empty()));
    Ok(records)
}

/// Applies a list, one client after the other, and says what became of each. A rehearsal changes nothing.
///
/// # Errors
/// When the database is away; what was applied before stays, and applying the list again goes on from there.
pub async fn apply(cx: &Cx, list: Vec<Entry>, is_rehearsal: bool) -> Result<Vec<(String, Outcome)>> {
    let mut outcomes = Vec::with_capacity(list.len());
    for entry in list {
        let id = entry.id.clone();
        let outcome = match apply_entry(cx, entry, is_rehearsal).await {
            Ok(outcome) => outcome,
            Err(error) if error.kind.status() >= 500 => return Err(error),
            Err(error) => Outcome::Refused(error),
        };
        outcomes.push((id, outcome));
    }
    Ok(outcomes)
}

async fn apply_entry(cx: &Cx, entry: Entry, is_rehearsal: bool) -> Result<Outcome> {
    let Entry { id, secret, change } = entry;
    match find_existing(cx, &id).await? {
        None => create(cx, NewClient { id: Some(id), secret: None, change }, secret, is_rehearsal).await,
        Some(current) => {
            let next = change.apply(&current)?;
            if (M2mClient { version: current.version, ..next }) == current {
                return Ok(Outcome::Unchanged);
            }
            if !is_rehearsal {
                clients::update(cx, &id, change).await?;
            }
            Ok(Outcome::Updated)
        }
    }
}

async fn find_existing(cx: &Cx, id: &str) -> Result<Option<M2mClient>> {
    let found = async { get(&cx.reader(), cx, &parse_id(cx, id)?).await }.await;
    match found {
        Ok(client) => Ok(Some(client)),
        Err(error) if error.kind == ErrorType::M2mClientNotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn create(cx: &Cx, new: NewClient, secret: BroughtSecret, is_rehearsal: bool) -> Result<Outcome> {
    let client = clients::build(cx, &new)?;
    let made = matches!(secret, BroughtSecret::None).then(|| secret::generate(cx));
    let (hash, secret_last_four) = match (secret, &made) {
        (BroughtSecret::Plain(secret), _) if is_rehearsal => {
            secret::judge_supplied(&secret, &client.name)?;
            return Ok(Outcome::Created(None));
        }
        (BroughtSecret::Plain(secret), _) => {
            (secret::hash_supplied(cx, &secret, &client.name).await?, last_four(&secret))
        }
        (BroughtSecret::Hash { hash, last_four: shown }, _) => {
            let hash = PasswordHash::parse(&hash)
                .map(SecretHash::Slow)
                .ok_or_else(|| invalid("client_secret_hash is not a hash of a known scheme.".to_owned()))?;
            (hash, last_four(&shown))
        }
        (BroughtSecret::None, Some((secret, hash))) => (hash.clone(), last_four(secret)),
        (BroughtSecret::None, None) => unreachable!("a client without a secret has been made one"),
    };
    if is_rehearsal {
        return Ok(Outcome::Created(None));
    }
    let client = M2mClient { secret_last_four, ..client };
    cx.write(Prepared { client, hash }, clients::create_in_transaction).await?;
    Ok(Outcome::Created(made.map(|(secret, _)| secret)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_and_csv_say_the_same() {
        let list = json!([
            {"client_id": "a", "client_secret": "s1", "name": "Export", "description": "", "scopes": ["read:notes", "x"],
             "metadata": {"org": "acme"}},
            {"client_id": "b", "client_secret": "s\"2,\n", "name": "", "description": "d", "scopes": [], "metadata": null},
        ]);
        let csv = "\u{feff}client_id,client_secret,Name,description,scopes,metadata\r\n\
            a,s1,Export,,read:notes x,\"{\"\"org\"\":\"\"acme\"\"}\"\r\n\r\nb,\"s\"\"2,\n\",,d,,\n";
        for list in [list.to_string(), csv.to_owned()] {
            let entries = read(&list).unwrap();
            assert_eq!(entries.len(), 2, "{list}");
            assert_eq!(entries[0].id, "a");
            assert!(entries[1].secret == BroughtSecret::Plain("s\"2,\n".into()));
            assert_eq!(entries[0].change.scopes, Some(vec!["read:notes".to_owned(), "x".into()]));
            assert_eq!(entries[0].change.trusted_metadata.as_ref().unwrap()["org"], "acme");
            assert_eq!(entries[1].change.trusted_metadata, None);
        }
    }

    #[test]
    fn the_names_of_auth0_and_of_the_api_are_known() {
        let list = json!([{"client_id": "a", "client_name": "Export", "scope": "read:notes", "client_metadata": {"org": "acme"},
            "client_secret_hash": "$2b$10$x", "client_secret_last_four": "wxyz", "app_type": "non_interactive"}]);
        let entry = read(&list.to_string()).unwrap().pop().unwrap();
        assert_eq!(entry.change.name.as_deref(), Some("Export"));
        assert_eq!(entry.change.scopes, Some(vec!["read:notes".to_owned()]));
        assert!(entry.change.trusted_metadata.is_some());
        assert!(entry.secret == BroughtSecret::Hash { hash: "$2b$10$x".into(), last_four: "wxyz".into() });
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (list, part) in [
            ("[1]", "not a JSON array"),
            ("[{\"client_id\":\"a\"},{}]", "Client 2 has no client_id"),
            ("[{\"client_id\":1}]", "client_id of client 1"),
            ("[{\"client_id\":\"a\",\"scopes\":[1]}]", "scopes of client 1"),
            ("[{\"client_id\":\"a\",\"metadata\":\"[]\"}]", "metadata of client 1"),
            (
                "[{\"client_id\":\"a\",\"client_secret\":\"x\",\"client_secret_hash\":\"y\"}]",
                "client_secret_hash",
            ),
            ("client_id,name\na\n", "Client 1 has 1 values"),
            ("client_id\n\"a\n", "not closed"),
        ] {
            let Err(error) = read(list) else { panic!("{list} was read") };
            assert_eq!(error.kind, ErrorType::InvalidArgument);
            assert!(error.text().contains(part), "{list}: {error}");
        }
        assert!(read("").unwrap().is_empty());
        assert!(read("client_id\n").unwrap().is_empty());
    }
}
