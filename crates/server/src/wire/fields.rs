//! Reading the fields of a request body with exact errors.
//!
//! Unknown fields are ignored and `null` counts as absent, as on the wire (contract `backend.md` §2). A field of the
//! wrong type is the caller's mistake and is named; a text with zero-width or control characters is refused before any
//! rule sees it.

use crate::cx::Result;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::locale::{Locale, SmsLocale};
use serde_json::{Map, Value};

/// The longest text of a single field, in characters; rules of their own are stricter for most fields.
const TEXT_CHARS_MAX: usize = 8192;
/// The longest list of texts.
const LIST_ENTRIES_MAX: usize = 1000;

/// The fields of a request body.
#[derive(Clone, Debug, Default)]
pub struct Fields(Map<String, Value>);

/// Characters that are invisible and make two equal-looking texts different.
fn is_zero_width(character: char) -> bool {
    matches!(character, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{202A}'..='\u{202E}')
}

fn check_text<'a>(name: &str, text: &'a str) -> Result<&'a str> {
    // Nearly every text is ASCII, and long ones are signed tokens, which come with every request.
    if text.is_ascii() && text.len() <= TEXT_CHARS_MAX && !text.as_bytes().contains(&0) {
        return Ok(text);
    }
    if text.chars().any(is_zero_width) {
        return Err(ErrorType::ForbiddenCharacterZeroWidthSpace
            .with_message(format!("{name} has zero-width characters. Remove them.")));
    }
    if text.chars().count() > TEXT_CHARS_MAX || text.contains('\0') {
        return Err(ErrorType::InvalidRequestValue
            .with_message(format!("{name} is too long or has characters that are not allowed.")));
    }
    Ok(text)
}

fn wrong_type(name: &str, expected: &str) -> Error {
    let mut error = ErrorType::BadRequest.with_message(format!("{name} must be {expected}."));
    let mut details = Map::new();
    details.insert("field".into(), name.into());
    details.insert("expected".into(), expected.into());
    error.details = Some(details);
    error
}

impl Fields {
    /// The fields of a body; an empty body and `null` have none.
    pub fn parse(body: &[u8]) -> Result<Self> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Fields::default());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Fields(map)),
            Ok(Value::Null) => Ok(Fields::default()),
            Ok(_) => Err(ErrorType::BadRequest.with_message("The body must be a JSON object.")),
            Err(_) => Err(ErrorType::BadRequest.with_message("The body is not valid JSON.")),
        }
    }

    /// The fields of a query string: percent-decoded texts.
    pub fn from_query(query: &str) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        // Clients that have no value send the text `null` or `undefined` (contract `backend.md` §2).
        let given = pairs.filter(|(_, value)| !matches!(value.as_ref(), "" | "null" | "undefined"));
        Fields(given.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
    }

    /// The fields of a form (`application/x-www-form-urlencoded`). A parameter without a value counts as absent, one that
    /// is repeated is a list (RFC 6749 §3.2).
    pub fn from_form(form: &[u8]) -> Self {
        let mut fields = Map::new();
        for (name, value) in url::form_urlencoded::parse(form).filter(|(_, value)| !value.is_empty()) {
            let value = Value::String(value.into_owned());
            match fields.get_mut(name.as_ref()) {
                None => {
                    fields.insert(name.into_owned(), value);
                }
                Some(Value::Array(list)) => list.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Fields(fields)
    }

    /// The fields of an object.
    pub fn of(map: Map<String, Value>) -> Self {
        Fields(map)
    }

    /// All fields.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether a field is given and not `null`.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The names of all fields that are given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str())
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<Option<&str>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => check_text(name, text).map(Some),
            Some(_) => Err(wrong_type(name, "a string")),
        }
    }

    /// A text as a value of its own.
    pub fn string(&self, name: &str) -> Result<Option<String>> {
        Ok(self.text(name)?.map(str::to_owned))
    }

    /// A text; empty counts as absent, for optional references that clients send as `""`.
    pub fn nonempty(&self, name: &str) -> Result<Option<String>> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()).map(str::to_owned))
    }

    /// A text that must be given.
    pub fn required(&self, name: &str) -> Result<&str> {
        self.text(name)?.ok_or_else(|| {
            let mut error = ErrorType::BadRequest.with_message(format!("{name} is required."));
            let mut details = Map::new();
            details.insert("field".into(), name.into());
            details.insert("expected".into(), "a value".into());
            error.details = Some(details);
            error
        })
    }

    /// A text that must be given and is taken as it is, for passwords and salts: any character may be part of them.
    pub fn verbatim(&self, name: &str) -> Result<&str> {
        match self.value(name) {
            Some(Value::String(text)) => Ok(text),
            _ => self.required(name),
        }
    }

    /// `true` or `false`; in query strings in any letter case, and as 1 and 0.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") || text == "1" => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") || text == "0" => Ok(Some(false)),
            Some(_) => Err(wrong_type(name, "true or false")),
        }
    }

    /// A whole number; JSON numbers like `60.0` count as whole.
    pub fn integer(&self, name: &str) -> Result<Option<i64>> {
        const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
        match self.value(name) {
            None => Ok(None),
            Some(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Ok(Some(whole)),
                #[allow(clippy::cast_possible_truncation, reason = "whole and within the exact range")]
                (None, Some(float)) if float.fract() == 0.0 && float.abs() < EXACT_MAX => {
                    Ok(Some(float as i64))
                }
                _ => Err(wrong_type(name, "a whole number")),
            },
            Some(_) => Err(wrong_type(name, "a whole number")),
        }
    }

    /// A list of texts.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let entries = value.as_array().ok_or_else(|| wrong_type(name, "a list of strings"))?;
        if entries.len() > LIST_ENTRIES_MAX {
            return Err(ErrorType::InvalidRequestValue
                .with_message(format!("{name} may have at most {LIST_ENTRIES_MAX} entries.")));
        }
        let texts = entries.iter().map(|entry| match entry.as_str() {
            Some(text) => check_text(name, text).map(str::to_owned),
            None => Err(wrong_type(name, "a list of strings")),
        });
        texts.collect::<Result<Vec<_>>>().map(Some)
    }

    /// An object.
    pub fn object(&self, name: &str) -> Result<Option<Map<String, Value>>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map.clone())),
            Some(_) => Err(wrong_type(name, "an object")),
        }
    }

    /// A list of objects.
    pub fn objects(&self, name: &str) -> Result<Option<Vec<Fields>>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let entries = value.as_array().ok_or_else(|| wrong_type(name, "a list of objects"))?;
        if entries.len() > LIST_ENTRIES_MAX {
            return Err(ErrorType::InvalidRequestValue
                .with_message(format!("{name} may have at most {LIST_ENTRIES_MAX} entries.")));
        }
        let objects = entries.iter().map(|entry| match entry {
            Value::Object(map) => Ok(Fields(map.clone())),
            _ => Err(wrong_type(name, "a list of objects")),
        });
        objects.collect::<Result<Vec<_>>>().map(Some)
    }

    /// The raw value of a field, for rules that have errors of their own for wrong types.
    pub fn raw(&self, name: &str) -> Option<&Value> {
        self.value(name)
    }

    /// The raw value of a field as it was given, `null` included.
    pub fn given(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The language of a text message; English when none is named (spec 01d §6).
    pub fn sms_locale(&self) -> Result<SmsLocale> {
        match self.text("locale")? {
            None | Some("") => Ok(SmsLocale::En),
            Some(text) => SmsLocale::parse_any_case(text).ok_or_else(|| ErrorType::InvalidLocale.into()),
        }
    }

    /// The language of a mail; English when none is named (spec 01d §6).
    pub fn locale(&self) -> Result<Locale> {
        match self.text("locale")? {
            None | Some("") => Ok(Locale::En),
            Some(text) => Locale::parse(text).ok_or_else(|| ErrorType::InvalidLocale.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields {
        Fields::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn null_and_unknown_fields_are_as_good_as_absent() {
        let fields = fields(r#"{"name":null,"surprise":1}"#);
        assert_eq!(fields.text("name").unwrap(), None);
        assert_eq!(fields.texts("roles").unwrap(), None);
    }

    #[test]
    fn wrong_types_are_named() {
        let fields = fields(r#"{"a":1,"b":"x","c":[1],"d":1.5,"e":[]}"#);
        for (error, name) in [
            (fields.text("a").unwrap_err(), "a"),
            (fields.boolean("b").unwrap_err(), "b"),
            (fields.texts("c").unwrap_err(), "c"),
            (fields.integer("d").unwrap_err(), "d"),
            (fields.object("e").unwrap_err(), "e"),
            (fields.required("f").unwrap_err(), "f"),
        ] {
            assert_eq!(error.kind, ErrorType::BadRequest);
            assert!(error.text().starts_with(name), "{error}");
        }
    }

    #[test]
    fn bodies_that_are_no_objects_are_refused() {
        for body in ["[]", "1", "\"x\"", "{", "{\"a\":}", "\u{0}"] {
            assert_eq!(Fields::parse(body.as_bytes()).unwrap_err().kind, ErrorType::BadRequest, "{body}");
        }
        for body in ["", " \n", "null", "{}"] {
            assert!(Fields::parse(body.as_bytes()).is_ok(), "{body:?}");
        }
    }

    #[test]
    fn invisible_and_overlong_texts_are_refused() {
        let kind = |json: &str| fields(json).text("a").unwrap_err().kind;
        assert_eq!(kind("{\"a\":\"ad\u{200B}a\"}"), ErrorType::ForbiddenCharacterZeroWidthSpace);
        assert_eq!(kind(r#"{"a":"ada\u0000"}"#), ErrorType::InvalidRequestValue);
        assert_eq!(kind(&format!("{{\"a\":\"{}\"}}", "x".repeat(8193))), ErrorType::InvalidRequestValue);
    }

    #[test]
    fn forms_are_decoded_and_repeated_parameters_are_lists() {
        let fields = Fields::from_form(b"a=b%2Fc+d&scope=&r=1&r=2&r=3&n");
        assert_eq!(fields.text("a").unwrap(), Some("b/c d"));
        assert!(!fields.has("scope") && !fields.has("n"));
        assert_eq!(fields.texts("r").unwrap(), Some(vec!["1".to_owned(), "2".into(), "3".into()]));
        assert_eq!(fields.text("r").unwrap_err().kind, ErrorType::BadRequest);
    }

    #[test]
    fn query_strings_are_decoded_and_missing_values_dropped() {
        let fields = Fields::from_query("member_id=a%2Fb+c&email_address=undefined&include_deleted=True");
        assert_eq!(fields.text("member_id").unwrap(), Some("a/b c"));
        assert_eq!(fields.text("email_address").unwrap(), None);
        assert_eq!(fields.boolean("include_deleted").unwrap(), Some(true));
    }
}
