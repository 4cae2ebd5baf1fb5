//! Claim templates: what an operator adds to the tokens of a project (spec 05a §6).
//!
//! A template is the text of a JSON object in which `{{ path }}` stands for a value. There are no loops, conditions or
//! filters, so evaluating one is a walk over a tree and can run nothing (spec 06 R-45).
//!
//! A worked example. The project of Acme has, for the tokens of its machines,
//!
//! ```json
//! {"org": {{ client.trusted_metadata.organization_id }}, "for": "{{ request.audience }}/v2"}
//! ```
//!
//! The nightly export is a client with `trusted_metadata` `{"organization_id": "acme"}` and asks for a token with
//! `audience=https://api.acme.example`. Its token has `"org": "acme"` and `"for": "https://api.acme.example/v2"`. When it
//! names no audience, the claim `for` is left out, and so is every claim whose value is missing or `null`.

use crate::claims;
use crate::error::ErrorType;
use crate::json_limits::{is_nested_within, serialized_bytes};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest text of a template, in bytes (chosen: four times what it may yield).
pub const CONTENT_BYTES_MAX: usize = 4 * claims::BYTES_MAX;
/// The longest custom audience, in bytes (chosen).
pub const CUSTOM_AUDIENCE_BYTES_MAX: usize = 256;
/// What a path may begin with.
const ROOTS: [&str; 5] = ["member", "organization", "user", "client", "request"];
/// The longest path, in bytes.
const PATH_BYTES_MAX: usize = 512;
/// The most names that a path is split into; a key of its own may have dots, so that splitting is a search.
const PATH_NAMES_MAX: usize = 16;

/// What an operator adds to one kind of token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwtTemplate {
    /// The text of the template, byte for byte as it was given.
    pub template_content: String,
    /// A second audience; none when empty.
    #[serde(default)]
    pub custom_audience: String,
}

impl JwtTemplate {
    /// The template in the form that can be evaluated; refuses one that can not.
    pub fn compile(&self) -> Result<ClaimTemplate, ErrorType> {
        if self.custom_audience.len() > CUSTOM_AUDIENCE_BYTES_MAX {
            return Err(ErrorType::InvalidArgument);
        }
        ClaimTemplate::parse(&self.template_content)
    }
}

/// A template that was read once and can be evaluated for every token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClaimTemplate(Vec<(String, Node)>);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Literal(Value),
    /// `{{ path }}` as a value of its own.
    Tag(Path),
    /// A text with `{{ path }}` in it.
    Text(Vec<Piece>),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Literal(String),
    Tag(Path),
}

/// The names between the dots.
#[derive(Clone, Debug, PartialEq)]
struct Path(Vec<String>);

/// What stands in for the n-th tag outside of texts while the template is read as JSON: a text that begins with a
/// character that JSON texts of templates may not have, so that nothing else is taken for it.
const STAND_IN: char = '\0';

impl ClaimTemplate {
    /// Reads a template. An empty text has no claims.
    pub fn parse(content: &str) -> Result<Self, ErrorType> {
        if content.len() > CONTENT_BYTES_MAX {
            return Err(ErrorType::JwtTemplateInvalidJson);
        }
        if content.trim().is_empty() {
            return Ok(ClaimTemplate::default());
        }
        let (json, tags) = replace_tags(content)?;
        let object: Map<String, Value> =
            serde_json::from_str(&json).map_err(|_| ErrorType::JwtTemplateInvalidJson)?;
        refuse_reserved(&object)?;
        compile_object(object, &tags).map(ClaimTemplate)
    }

    /// Whether it has no claims at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The claims for these values, whose top level are the roots of paths (`client`, `request`).
    ///
    /// What a caller can influence must never make a token fail, so a claim that is missing, `null` or nested too deep
    /// is left out, and so is each that no longer fits into [`claims::BYTES_MAX`].
    pub fn render(&self, values: &Map<String, Value>) -> Map<String, Value> {
        let mut rendered = Map::new();
        for (name, node) in &self.0 {
            let Some(value) = node.render(values) else { continue };
            rendered.insert(name.clone(), value);
            if serialized_bytes(&rendered) > claims::BYTES_MAX
                || !is_nested_within(&rendered, claims::LEVELS_MAX)
            {
                rendered.shift_remove(name);
            }
        }
        rendered
    }
}

/// Names that only the server sets: the same as in the claims of a session, and `scope`, which says what a token
/// allows.
fn refuse_reserved(object: &Map<String, Value>) -> Result<(), ErrorType> {
    for name in object.keys() {
        if name.starts_with(claims::SERVER_NAMESPACE) {
            return Err(ErrorType::StytchClaimsInCustomClaims);
        }
        if claims::RESERVED.contains(&name.as_str()) || name == "scope" {
            return Err(ErrorType::ReservedClaimsInCustomClaims);
        }
    }
    Ok(())
}

/// The text with each tag outside of texts replaced by its stand-in, and the paths of these tags.
fn replace_tags(content: &str) -> Result<(String, Vec<Path>), ErrorType> {
    let mut json = String::with_capacity(content.len());
    let mut tags = Vec::new();
    let mut rest = content;
    let mut in_text = false;
    while let Some(character) = rest.chars().next() {
        if !in_text && rest.starts_with("{{") {
            let (path, after) = read_tag(rest)?;
            json.push_str(&format!("\"\\u0000{}\"", tags.len()));
            tags.push(path);
            rest = after;
            continue;
        }
        if in_text && character == '\\' {
            // The escaped character belongs to it; the escape of the stand-in's character is refused.
            if rest[1..].starts_with("u0000") {
                return Err(ErrorType::JwtTemplateInvalidJson);
            }
            let pair = rest.chars().take(2).map(char::len_utf8).sum();
            json.push_str(&rest[..pair]);
            rest = &rest[pair..];
            continue;
        }
        in_text ^= character == '"';
        json.push(character);
        rest = &rest[character.len_utf8()..];
    }
    Ok((json, tags))
}

/// The path of the tag with which the text begins, and what comes after the tag.
fn read_tag(text: &str) -> Result<(Path, &str), ErrorType> {
    let (inside, after) = text[2..].split_once("}}").ok_or(ErrorType::JwtTemplateMismatchedTag)?;
    if inside.contains(['{', '}']) {
        return Err(ErrorType::JwtTemplateMismatchedTag);
    }
    let path = inside.trim();
    let names: Vec<String> = path.split('.').map(str::to_owned).collect();
    let is_well_formed = path.len() <= PATH_BYTES_MAX
        && names.len() <= PATH_NAMES_MAX
        && names.len() > 1
        && names.iter().all(|name| !name.is_empty())
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:/".contains(&byte))
        && ROOTS.contains(&names[0].as_str());
    if is_well_formed { Ok((Path(names), after)) } else { Err(ErrorType::JwtTemplateInvalidTag) }
}

fn compile_object(object: Map<String, Value>, tags: &[Path]) -> Result<Vec<(String, Node)>, ErrorType> {
    object
        .into_iter()
        .map(|(name, value)| {
            // A tag stands for a value, never for a name.
            if name.starts_with(STAND_IN) || name.contains("{{") {
                return Err(ErrorType::JwtTemplateInvalidTag);
            }
            Ok((name, compile(value, tags)?))
        })
        .collect()
}

fn compile(value: Value, tags: &[Path]) -> Result<Node, ErrorType> {
    Ok(match value {
        Value::String(text) => compile_text(text, tags)?,
        Value::Array(items) => {
            Node::List(items.into_iter().map(|item| compile(item, tags)).collect::<Result<_, _>>()?)
        }
        Value::Object(object) => Node::Object(compile_object(object, tags)?),
        literal => Node::Literal(literal),
    })
}

fn compile_text(text: String, tags: &[Path]) -> Result<Node, ErrorType> {
    if let Some(number) = text.strip_prefix(STAND_IN) {
        let tag = number.parse::<usize>().ok().and_then(|number| tags.get(number));
        return tag.cloned().map(Node::Tag).ok_or(ErrorType::JwtTemplateInvalidTag);
    }
    if !text.contains("{{") {
        return Ok(Node::Literal(text.into()));
    }
    let mut pieces = Vec::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("{{") {
        if at > 0 {
            pieces.push(Piece::Literal(rest[..at].to_owned()));
        }
        let (path, after) = read_tag(&rest[at..])?;
        pieces.push(Piece::Tag(path));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Ok(Node::Text(pieces))
}

impl Node {
    /// The value; `None` when it is missing.
    fn render(&self, values: &Map<String, Value>) -> Option<Value> {
        match self {
            Node::Literal(Value::Null) => None,
            Node::Literal(value) => Some(value.clone()),
            Node::Tag(path) => path.find(values).cloned(),
            Node::Text(pieces) => {
                let pieces = pieces.iter().map(|piece| match piece {
                    Piece::Literal(text) => Some(text.clone()),
                    Piece::Tag(path) => scalar_text(path.find(values)?),
                });
                pieces.collect::<Option<String>>().map(Value::String)
            }
            Node::List(items) => Some(items.iter().filter_map(|item| item.render(values)).collect()),
            Node::Object(entries) => {
                let entries =
                    entries.iter().filter_map(|(name, node)| Some((name.clone(), node.render(values)?)));
                Some(Value::Object(entries.collect()))
            }
        }
    }
}

/// How a value reads in the middle of a text; lists and objects do not.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Path {
    /// The value that the path leads to; `None` when there is none or it is `null`.
    fn find<'a>(&self, values: &'a Map<String, Value>) -> Option<&'a Value> {
        lookup(values, &self.0).filter(|value| !value.is_null())
    }
}

/// Names may have dots of their own (such as ids of resources), so the longest name that is there counts first.
fn lookup<'a>(object: &'a Map<String, Value>, names: &[String]) -> Option<&'a Value> {
    (1..=names.len()).rev().find_map(|count| {
        let value = object.get(&names[..count].join("."))?;
        match &names[count..] {
            [] => Some(value),
            rest => lookup(value.as_object()?, rest),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    fn values() -> Map<String, Value> {
        object(json!({
            "client": {
                "client_id": "m2m-1",
                "scopes": ["read:notes"],
                "trusted_metadata": {
                    "organization_id": "acme", "seats": 5, "beta": true, "gone": null,
                    "limits": {"per_day": 10}, "acme.example": {"plan": "gold"}, "acme": {"example": "x"},
                },
            },
            "request": {"audience": "https://api.acme.example", "quote": "a\"b\\c\n{{ client.client_id }}"},
        }))
    }

    #[track_caller]
    fn check(template: &str, expected: Value) {
        let template = ClaimTemplate::parse(template).expect(template);
        assert_eq!(Value::Object(template.render(&values())), expected);
    }

    #[track_caller]
    fn refused(template: &str, expected: ErrorType) {
        assert_eq!(ClaimTemplate::parse(template).expect_err(template), expected, "{template}");
    }

    #[test]
    fn a_tag_stands_for_a_value_of_any_type() {
        check(
            r#"{"a":{{ client.client_id }},"b":{{client.trusted_metadata.seats}},"c":{{ client.scopes }},
                "d":{{ client.trusted_metadata.limits }},"e":{{ client.trusted_metadata.beta }},"f":[1,{{request.audience}}]}"#,
            json!({"a": "m2m-1", "b": 5, "c": ["read:notes"], "d": {"per_day": 10}, "e": true,
                "f": [1, "https://api.acme.example"]}),
        );
    }

    #[test]
    fn tags_inside_texts_are_joined_in() {
        check(
            r#"{"a":"{{ client.client_id }}/{{client.trusted_metadata.seats}} }}","b":"{{ client.scopes }}","c":"\"{{ request.audience }}\""}"#,
            json!({"a": "m2m-1/5 }}", "c": "\"https://api.acme.example\""}),
        );
    }

    #[test]
    fn what_is_missing_or_null_is_left_out() {
        check(
            r#"{"a":{{ client.nothing }},"b":{{ client.trusted_metadata.gone }},"c":"x{{ request.nothing }}",
                "d":{"e":{{ member.name }},"f":1},"g":[{{ user.name }}],"h":null}"#,
            json!({"d": {"f": 1}, "g": []}),
        );
    }

    #[test]
    fn names_with_dots_are_found_longest_first() {
        check(r#"{"a":{{ client.trusted_metadata.acme.example.plan }}}"#, json!({"a": "gold"}));
        check(r#"{"a":{{ client.trusted_metadata.acme.example }}}"#, json!({"a": {"plan": "gold"}}));
    }

    /// R-51: what a caller sends is a value and never part of the template.
    #[test]
    fn values_are_not_templates() {
        let quote = "a\"b\\c\n{{ client.client_id }}";
        check(
            r#"{"a":{{ request.quote }},"b":"<{{ request.quote }}>"}"#,
            json!({"a": quote, "b": format!("<{quote}>")}),
        );
    }

    #[test]
    fn literals_stay_as_they_are() {
        check(
            r#"{"a":1,"b":"x","c":[true,{"d":1.5}],"e":{}}"#,
            json!({"a":1,"b":"x","c":[true,{"d":1.5}],"e":{}}),
        );
        check("", json!({}));
        check(" {} ", json!({}));
    }

    #[test]
    fn every_mistake_has_its_error() {
        use ErrorType as E;
        for broken in
            ["[]", "1", "{", r#"{"a":}"#, r#"{"a":1,}"#, r#"{"a":"\u00001"}"#, "{\"a\":\"\0\"}", "{}{}"]
        {
            refused(broken, E::JwtTemplateInvalidJson);
        }
        for unbalanced in [
            r#"{"a":{{ client.x }"#,
            r#"{"a":{{ client.x"#,
            r#"{"a":{{ {{ client.x }} }}"#,
            r#"{"a":"{{ x"}"#,
        ] {
            refused(unbalanced, E::JwtTemplateMismatchedTag);
        }
        for tag in [
            "",
            "client",
            "client.",
            ".x",
            "secret.x",
            "client.a b",
            "client.x | upper",
            "client['x']",
            "CLIENT.x",
        ] {
            refused(&format!(r#"{{"a":{{{{ {tag} }}}}}}"#), E::JwtTemplateInvalidTag);
        }
        for name in [
            r#"{{{client.x}}:1}"#,
            r#"{ {{client.x}}:1}"#,
            r#"{"{{client.x}}":1}"#,
            r#"{"a":{"{{client.x}}":1}}"#,
        ] {
            assert!(ClaimTemplate::parse(name).is_err(), "{name}");
        }
        refused(
            &format!(r#"{{"a":{{{{ client.{} }}}}}}"#, "x".repeat(PATH_BYTES_MAX)),
            E::JwtTemplateInvalidTag,
        );
        refused(&format!(r#"{{"a":"{}"}}"#, "x".repeat(CONTENT_BYTES_MAX)), E::JwtTemplateInvalidJson);
        for claim in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope"] {
            refused(&format!(r#"{{"{claim}":{{{{ request.x }}}}}}"#), E::ReservedClaimsInCustomClaims);
        }
        refused(r#"{"https://stytch.com/session":1}"#, E::StytchClaimsInCustomClaims);
    }

    #[test]
    fn claims_that_do_not_fit_are_left_out_and_the_others_stay() {
        let template =
            ClaimTemplate::parse(r#"{"a":1,"b":{{ request.long }},"c":{{ request.deep }},"d":2}"#).unwrap();
        let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
        let values = object(json!({"request": {"long": "x".repeat(5000), "deep": deep}}));
        assert_eq!(Value::Object(template.render(&values)), json!({"a": 1, "d": 2}));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "[{}\":a-c.\\\\ 0é\\[\\],]{0,60}") {
            if let Ok(template) = ClaimTemplate::parse(&text) {
                template.render(&values());
            }
        }

        #[test]
        fn json_without_tags_stands_for_itself(text in "[a-zé\"\\\\ ]{0,20}", number: i64) {
            let literal = json!({"a": text, "b": [number, {"c": number}]});
            let template = ClaimTemplate::parse(&literal.to_string()).unwrap();
            prop_assert_eq!(Value::Object(template.render(&values())), literal);
        }
    }
}
