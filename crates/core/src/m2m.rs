//! M2M clients: machines that call an application's API with tokens of their own (spec 03c).
//!
//! A worked example. Acme's nightly export is a client with the scopes `read:notes` and `write:reports`. It shows its id
//! and secret at the token endpoint, asks for `read:notes`, and gets a signed token of an hour for just that. The API
//! checks the token on its own. When the secret is rotated, the old and the new one both work until the rotation is
//! completed, so that the export never stops.

use crate::error::{Error, ErrorType};
use crate::ids::{EnvironmentKind, GeneratedM2mClientId, IdError};
use crate::metadata;
use crate::organization::metadata_error;
use crate::slug::is_misread;
use crate::time::Timestamp;
use crate::wire_enum;
use serde_json::{Map, Value};
use uuid::Uuid;

/// How long a token is valid, in seconds (spec 03c §3; the same for every client).
pub const TOKEN_SECONDS: i64 = 3600;
/// The most scopes of a client (chosen).
pub const SCOPES_MAX: usize = 200;
/// The longest scope, in bytes (chosen).
pub const SCOPE_BYTES_MAX: usize = 128;
/// The longest name, in characters (chosen).
pub const NAME_CHARS_MAX: usize = 128;
/// The longest description, in characters (chosen).
pub const DESCRIPTION_CHARS_MAX: usize = 512;
/// The longest client id, in bytes (chosen).
const CLIENT_ID_BYTES_MAX: usize = 128;
/// The shortest secret that a caller may choose, in bytes (spec 03c §1).
const SECRET_BYTES_MIN: usize = 8;
/// The longest secret that a caller may choose, in bytes (chosen).
const SECRET_BYTES_MAX: usize = 256;
/// Words that stand in the place of an id in the paths of the management calls.
const PATH_WORDS: [&str; 1] = ["search"];

wire_enum! {
    /// Whether a client gets tokens.
    M2mClientStatus {
        /// It does.
        Active = "active",
        /// It does not; tokens that it has stay valid to their end.
        Inactive = "inactive",
    }
}

/// The id of a client: one that was made here (`m2m-client-test-…`), or one that it brought along from another system.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct M2mClientId(String);

impl M2mClientId {
    /// The id of a client whose creator chose none.
    pub fn generated(uuid: Uuid, kind: EnvironmentKind) -> Self {
        M2mClientId(GeneratedM2mClientId::new(uuid, kind).to_string())
    }

    /// Reads an id. One that was made by a server like this one must be of the same kind of environment.
    pub fn parse(text: &str, kind: EnvironmentKind) -> Result<Self, IdError> {
        let id = || M2mClientId(text.to_owned());
        match GeneratedM2mClientId::parse(text, kind) {
            Ok(_) => return Ok(id()),
            Err(IdError::Malformed) => {}
            Err(wrong_environment) => return Err(wrong_environment),
        }
        let is_well_formed = (1..=CLIENT_ID_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~@-|".contains(&byte))
            && !is_misread(text)
            && !PATH_WORDS.contains(&text);
        if is_well_formed { Ok(id()) } else { Err(IdError::Malformed) }
    }

    /// Whether the id was made by a server like this one.
    pub fn is_generated(&self) -> bool {
        EnvironmentKind::ALL.iter().any(|kind| GeneratedM2mClientId::parse(&self.0, *kind).is_ok())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for M2mClientId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for M2mClientId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A client, without its secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct M2mClient {
    /// Its id.
    pub id: M2mClientId,
    /// A name for people; may be empty.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// Whether it gets tokens.
    pub status: M2mClientStatus,
    /// What its tokens may allow, without repetitions, in the order in which they were given.
    pub scopes: Vec<String>,
    /// What the application hangs on it, such as the organization for which it acts.
    pub trusted_metadata: Map<String, Value>,
    /// The end of its secret, by which a person recognizes it.
    pub secret_last_four: String,
    /// The end of its next secret, while the secret is being rotated.
    pub next_secret_last_four: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Sets it apart from clients that were created at the same time, in the order of lists.
    pub list_key: Uuid,
    /// Grows with every change.
    pub version: i64,
}

/// A wish to create or change a client; `None` leaves a field as it is. Values are as they came in, the rules of
/// [`M2mClientChange::apply`] judge them.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields are those of M2mClient")]
pub struct M2mClientChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub status: Option<String>,
    pub scopes: Option<Vec<String>>,
    pub trusted_metadata: Option<Map<String, Value>>,
}

impl M2mClientChange {
    /// The client after this change, with a new version. Scopes are replaced whole, metadata is merged.
    pub fn apply(&self, current: &M2mClient) -> Result<M2mClient, Error> {
        use ErrorType as E;
        let mut next = current.clone();
        if let Some(name) = &self.name {
            next.name = bounded_text(name, NAME_CHARS_MAX, char::is_control, E::M2mClientInvalidClientName)?;
        }
        if let Some(description) = &self.description {
            next.description = bounded_text(
                description,
                DESCRIPTION_CHARS_MAX,
                is_control_but_line_feed,
                E::M2mClientInvalidClientDescription,
            )?;
        }
        if let Some(status) = &self.status {
            next.status = M2mClientStatus::parse(status).ok_or(E::InvalidM2mClientStatus)?;
        }
        if let Some(scopes) = &self.scopes {
            next.scopes = valid_scopes(scopes)?;
        }
        if let Some(change) = &self.trusted_metadata {
            next.trusted_metadata =
                metadata::merge(&current.trusted_metadata, change).map_err(metadata_error)?;
        }
        next.version += 1;
        Ok(next)
    }
}

/// A text that is short enough and has no characters that are forbidden.
fn bounded_text(
    text: &str,
    chars_max: usize,
    is_forbidden: fn(char) -> bool,
    otherwise: ErrorType,
) -> Result<String, Error> {
    if text.chars().count() > chars_max || text.chars().any(is_forbidden) {
        return Err(otherwise.into());
    }
    Ok(text.to_owned())
}

/// Descriptions may have several lines.
fn is_control_but_line_feed(character: char) -> bool {
    character.is_control() && character != '\n'
}

/// A scope token (RFC 6749 §3.3) of at most [`SCOPE_BYTES_MAX`] bytes.
pub fn is_valid_scope(scope: &str) -> bool {
    (1..=SCOPE_BYTES_MAX).contains(&scope.len())
        && scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

fn valid_scopes(scopes: &[String]) -> Result<Vec<String>, ErrorType> {
    if !scopes.iter().all(|scope| is_valid_scope(scope)) {
        return Err(ErrorType::InvalidM2mClientScope);
    }
    let scopes = without_repetitions(scopes);
    if scopes.len() > SCOPES_MAX { Err(ErrorType::TooManyM2mClientScopes) } else { Ok(scopes) }
}

fn without_repetitions(scopes: &[String]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    scopes.iter().filter(|scope| seen.insert(scope.as_str())).cloned().collect()
}

/// The scopes that a token gets: what is requested, or everything that the client has when nothing is. A scope that the
/// client does not have refuses the whole request; wildcards stand for themselves only (spec 03c §3).
pub fn grant(client: &M2mClient, requested: &[String]) -> Result<Vec<String>, Error> {
    if requested.is_empty() {
        return Ok(client.scopes.clone());
    }
    match requested.iter().find(|scope| !client.scopes.contains(scope)) {
        None => Ok(without_repetitions(requested)),
        Some(scope) if is_valid_scope(scope) => {
            Err(ErrorType::InvalidScope.with_message(format!("The client does not have the scope {scope}.")))
        }
        Some(_) => Err(ErrorType::InvalidScope.into()),
    }
}

/// Whether a secret that a caller chose has a form that every client can send. How easy it is to guess is judged apart.
pub fn check_secret_form(secret: &str) -> Result<(), ErrorType> {
    if secret.len() > SECRET_BYTES_MAX || !secret.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(ErrorType::M2mClientInvalidClientSecret);
    }
    if secret.len() < SECRET_BYTES_MIN {
        return Err(ErrorType::InsecureM2mClientSecret);
    }
    Ok(())
}

/// The part of a secret that is shown.
pub fn last_four(secret: &str) -> String {
    let skipped = secret.chars().count().saturating_sub(4);
    secret.chars().skip(skipped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::EnvironmentKind::{Live, Test};
    use proptest::prelude::*;
    use serde_json::json;

    fn client(scopes: &[&str]) -> M2mClient {
        M2mClient {
            id: M2mClientId::generated(Uuid::from_u128(1), Test),
            name: "Nightly export".into(),
            description: String::new(),
            status: M2mClientStatus::Active,
            scopes: texts(scopes),
            trusted_metadata: json!({"plan": "gold"}).as_object().unwrap().clone(),
            secret_last_four: "wxyz".into(),
            next_secret_last_four: None,
            created_at: Timestamp::from_micros(0),
            list_key: Uuid::from_u128(1),
            version: 1,
        }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn ids_are_our_own_or_brought_along() {
        let uuid = Uuid::from_u128(7);
        let own = M2mClientId::generated(uuid, Test);
        assert_eq!(own.as_str(), format!("m2m-client-test-{uuid}"));
        assert_eq!(M2mClientId::parse(own.as_str(), Test).as_ref(), Ok(&own));
        assert!(own.is_generated());
        assert_eq!(M2mClientId::parse(own.as_str(), Live), Err(IdError::TestInLive));
        let live = M2mClientId::generated(uuid, Live);
        assert_eq!(M2mClientId::parse(live.as_str(), Test), Err(IdError::LiveInTest));
        let longest = "x".repeat(128);
        for id in ["3MVG9lKcPoNINVBIPJjdw1J9LLM82HnF", "a", "export@acme.example", "auth0|42~x_y.z", &longest]
        {
            assert!(!M2mClientId::parse(id, Test).expect(id).is_generated(), "{id}");
        }
    }

    #[test]
    fn ids_that_could_mean_something_else_are_refused() {
        let too_long = "x".repeat(129);
        let foreign = format!("connected-app-test-{}", Uuid::from_u128(7));
        let upper = format!("M2M-CLIENT-TEST-{}", Uuid::from_u128(7));
        for id in [
            "",
            ".",
            "..",
            "search",
            "undefined",
            "null",
            "a b",
            "a/b",
            "a:b",
            "a%20",
            "ä",
            &too_long,
            &foreign,
            &upper,
        ] {
            assert_eq!(M2mClientId::parse(id, Test), Err(IdError::Malformed), "{id}");
        }
    }

    #[test]
    fn a_change_touches_what_it_names() {
        let current = client(&["read:notes"]);
        assert_eq!(
            M2mClientChange::default().apply(&current),
            Ok(M2mClient { version: 2, ..current.clone() })
        );
        let change = M2mClientChange {
            name: Some(String::new()),
            description: Some("Every night\nat two".into()),
            status: Some("inactive".into()),
            scopes: Some(texts(&["b", "a", "b"])),
            trusted_metadata: Some(json!({"plan": null, "seats": 5}).as_object().unwrap().clone()),
        };
        let next = change.apply(&current).unwrap();
        assert_eq!((next.name.as_str(), next.status), ("", M2mClientStatus::Inactive));
        assert_eq!(next.scopes, texts(&["b", "a"]), "order kept, repetitions dropped");
        assert_eq!(Value::Object(next.trusted_metadata), json!({"seats": 5}));
        assert_eq!(
            M2mClientChange { scopes: Some(vec![]), ..Default::default() }.apply(&current).unwrap().scopes,
            Vec::<String>::new()
        );
    }

    #[test]
    fn every_mistake_has_its_error() {
        use ErrorType as E;
        let metadata = |value: Value| value.as_object().cloned();
        let many = |count: usize| (0..count).map(|index| format!("scope{index}")).collect::<Vec<_>>();
        let blank = M2mClientChange::default;
        for (change, expected) in [
            (M2mClientChange { name: Some("x".repeat(129)), ..blank() }, E::M2mClientInvalidClientName),
            (M2mClientChange { name: Some("a\u{7}".into()), ..blank() }, E::M2mClientInvalidClientName),
            (
                M2mClientChange { description: Some("x".repeat(513)), ..blank() },
                E::M2mClientInvalidClientDescription,
            ),
            (M2mClientChange { status: Some("paused".into()), ..blank() }, E::InvalidM2mClientStatus),
            (M2mClientChange { status: Some(String::new()), ..blank() }, E::InvalidM2mClientStatus),
            (M2mClientChange { scopes: Some(many(201)), ..blank() }, E::TooManyM2mClientScopes),
            (M2mClientChange { scopes: Some(texts(&["a b"])), ..blank() }, E::InvalidM2mClientScope),
            (
                M2mClientChange { trusted_metadata: metadata(json!({"a": "x".repeat(5000)})), ..blank() },
                E::MetadataTooLarge,
            ),
        ] {
            assert_eq!(change.apply(&client(&[])).unwrap_err().kind, expected, "{change:?}");
        }
        let widest = M2mClientChange { scopes: Some(many(200)), name: Some("ä".repeat(128)), ..blank() };
        assert!(widest.apply(&client(&[])).is_ok());
    }

    #[test]
    fn scopes_are_the_tokens_of_the_standard() {
        let longest = "x".repeat(128);
        for scope in ["read", "read:notes", "read:*", "!", "~", "https://acme.example/x", &longest] {
            assert!(is_valid_scope(scope), "{scope}");
        }
        let too_long = "x".repeat(129);
        for scope in ["", "a b", "a\"b", "a\\b", "a\n", "é", "\u{7f}", &too_long] {
            assert!(!is_valid_scope(scope), "{scope}");
        }
    }

    #[test]
    fn a_token_gets_what_is_asked_for_or_everything() {
        let exporter = client(&["read:notes", "write:notes", "read:*"]);
        assert_eq!(grant(&exporter, &[]), Ok(exporter.scopes.clone()));
        assert_eq!(grant(&client(&[]), &[]), Ok(vec![]));
        assert_eq!(
            grant(&exporter, &texts(&["write:notes", "read:notes", "write:notes"])),
            Ok(texts(&["write:notes", "read:notes"]))
        );
        // A wildcard stands for itself only.
        assert_eq!(grant(&exporter, &texts(&["read:*"])), Ok(texts(&["read:*"])));
        for (scope, shown) in [("read:reports", true), ("READ:NOTES", true), ("<script>\"", false)] {
            let error = grant(&exporter, &texts(&["read:notes", scope])).unwrap_err();
            assert_eq!(error.kind, ErrorType::InvalidScope);
            assert_eq!(error.text().contains(scope), shown, "{error}");
        }
    }

    #[test]
    fn secrets_are_printable_and_not_short() {
        use ErrorType as E;
        for (secret, expected) in [
            ("12345678".to_owned(), Ok(())),
            ("x".repeat(256), Ok(())),
            ("1234567".to_owned(), Err(E::InsecureM2mClientSecret)),
            (String::new(), Err(E::InsecureM2mClientSecret)),
            ("x".repeat(257), Err(E::M2mClientInvalidClientSecret)),
            ("pässword-of-acme".to_owned(), Err(E::M2mClientInvalidClientSecret)),
            ("tab\tin the middle".to_owned(), Err(E::M2mClientInvalidClientSecret)),
        ] {
            assert_eq!(check_secret_form(&secret), expected, "{secret}");
        }
        assert_eq!(last_four("12345678"), "5678");
        assert_eq!(last_four("ab"), "ab");
    }

    proptest! {
        /// What is granted is always a part of what the client has.
        #[test]
        fn nothing_is_granted_beyond_the_clients_scopes(
            assigned in prop::collection::vec("[a-c]:[x-z*]", 0..4),
            requested in prop::collection::vec("[a-c]:[x-z*]", 0..4),
        ) {
            let mut client = client(&[]);
            client.scopes = assigned.clone();
            if let Ok(granted) = grant(&client, &requested) {
                prop_assert!(granted.iter().all(|scope| assigned.contains(scope)));
                prop_assert!(requested.is_empty() || granted.iter().all(|scope| requested.contains(scope)));
            } else {
                prop_assert!(requested.iter().any(|scope| !assigned.contains(scope)));
            }
        }
    }
}
