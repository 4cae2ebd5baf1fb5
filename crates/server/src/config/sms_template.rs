//! The JSON body that an SMS provider is sent.

use serde_json::Value;

/// Placeholder of the phone number, E.164.
const TO: &str = "{to}";
/// Placeholder of the message.
const TEXT: &str = "{text}";

/// A JSON document with `{to}` and `{text}` inside its strings, such as
/// `{"recipient": "{to}", "body": "{text}"}`.
///
/// The placeholders are filled in after parsing, so that no text can break out of its string.
#[derive(Clone, Debug, PartialEq)]
pub struct SmsTemplate(Value);

impl SmsTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// A sentence that says what is wrong: no JSON object, or a placeholder is missing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
        if !value.is_object() {
            return Err("is not a JSON object".to_owned());
        }
        for placeholder in [TO, TEXT] {
            if !mentions(&value, placeholder) {
                return Err(format!("has no {placeholder} inside any of its strings"));
            }
        }
        Ok(SmsTemplate(value))
    }

    /// The body for one message.
    pub fn render(&self, to: &str, text: &str) -> String {
        fill(&self.0, to, text).to_string()
    }
}

impl std::fmt::Display for SmsTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn mentions(value: &Value, placeholder: &str) -> bool {
    match value {
        Value::String(string) => string.contains(placeholder),
        Value::Array(items) => items.iter().any(|item| mentions(item, placeholder)),
        Value::Object(members) => members.values().any(|member| mentions(member, placeholder)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn fill(value: &Value, to: &str, text: &str) -> Value {
    match value {
        // One pass over the pieces around `{text}`: a message that contains "{to}" stays as it is.
        Value::String(string) => {
            let pieces: Vec<String> = string.split(TEXT).map(|piece| piece.replace(TO, to)).collect();
            Value::String(pieces.join(text))
        }
        Value::Array(items) => items.iter().map(|item| fill(item, to, text)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), fill(member, to, text))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_wherever_strings_stand() {
        let template =
            SmsTemplate::parse(r#"{"messages":[{"to":["{to}"],"body":"<{text}>"}],"sandbox":false}"#)
                .unwrap();
        assert_eq!(
            template.render("+12025550162", "Code 123456"),
            r#"{"messages":[{"to":["+12025550162"],"body":"<Code 123456>"}],"sandbox":false}"#
        );
    }

    #[test]
    fn message_cannot_break_out_of_its_string_or_name_placeholders() {
        let template = SmsTemplate::parse(r#"{"a":"{to}","b":"{text}"}"#).unwrap();
        assert_eq!(template.render("+1", r#"","a":"+9 {to}"#), r#"{"a":"+1","b":"\",\"a\":\"+9 {to}"}"#);
    }

    #[test]
    fn templates_that_lose_the_number_or_the_message_are_refused() {
        for (text, reason) in [
            ("to={to}", "is not JSON"),
            (r#"["{to}","{text}"]"#, "is not a JSON object"),
            (r#"{"to":"{to}"}"#, "has no {text}"),
            (r#"{"text":"{text}"}"#, "has no {to}"),
            (r#"{"{to}":"{text}"}"#, "has no {to}"),
        ] {
            let error = SmsTemplate::parse(text).unwrap_err();
            assert!(error.starts_with(reason), "{text}: {error}");
        }
    }
}
