//! Writing JSON objects member by member, so that parts that were encoded before can be put together without being
//! parsed again.

use serde::Serialize;
use serde_json::{Map, Value};

/// The members of a JSON object: its opening brace and what follows, so that the closing one makes it whole. Nothing
/// at all while there are no members.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Object(Vec<u8>);

impl Object {
    /// No members.
    pub fn new() -> Self {
        Object::default()
    }

    /// No members, with room for this many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Object(Vec::with_capacity(bytes))
    }

    /// What stands before the next member.
    fn separate(&mut self) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
    }

    fn name(&mut self, name: &'static str) {
        self.separate();
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// Adds a member. Our own values always have a JSON form; were one not to, it would be `null`.
    #[must_use]
    pub fn field(mut self, name: &'static str, value: &impl Serialize) -> Self {
        self.name(name);
        let start = self.0.len();
        if serde_json::to_writer(&mut self.0, value).is_err() {
            self.0.truncate(start);
            self.0.extend_from_slice(b"null");
        }
        self
    }

    /// Adds a member whose text needs no escaping, such as a token or an id.
    #[must_use]
    pub fn plain(mut self, name: &'static str, text: &str) -> Self {
        debug_assert!(text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\' && byte < 0x7f));
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
        self
    }

    /// Adds all members of another object.
    #[must_use]
    pub fn extend(mut self, other: &Object) -> Self {
        if !other.is_empty() {
            self.separate();
            self.0.extend_from_slice(other.members());
        }
        self
    }

    /// Adds members that were encoded before; there must be at least one.
    #[must_use]
    pub fn encoded(mut self, members: &str) -> Self {
        self.separate();
        self.0.extend_from_slice(members.as_bytes());
        self
    }

    /// Adds all members of a JSON object whose names are known at run time only.
    #[must_use]
    pub fn entries(mut self, map: &Map<String, Value>) -> Self {
        let start = self.0.len();
        if map.is_empty() || serde_json::to_writer(&mut self.0, map).is_err() {
            self.0.truncate(start);
            return self;
        }
        // The closing brace comes last of all, the opening one only once.
        self.0.pop();
        if start > 0 {
            self.0[start] = b',';
        }
        self
    }

    /// How many bytes the members take.
    pub fn len(&self) -> usize {
        self.members().len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object as JSON.
    pub fn into_json(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        self.0
    }

    /// The object up to where further members are written.
    pub fn into_open_json(mut self) -> Vec<u8> {
        self.separate();
        self.0
    }

    /// The members as a text.
    pub fn into_members(self) -> String {
        let mut text = String::from_utf8(self.0).expect("names, texts and what serde_json writes are UTF-8");
        text.drain(..text.len().min(1));
        text
    }

    /// The members as they stand.
    pub fn members(&self) -> &[u8] {
        self.0.get(1..).unwrap_or_default()
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The members may have tokens among them.
        write!(f, "Object({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_any_names_can_be_added() {
        let map = serde_json::json!({"a\"b": {}, "c": 1}).as_object().unwrap().clone();
        let text = |object: Object| String::from_utf8(object.into_json()).unwrap();
        assert_eq!(text(Object::new().entries(&map)), r#"{"a\"b":{},"c":1}"#);
        assert_eq!(text(Object::new().plain("x", "y").entries(&map)), r#"{"x":"y","a\"b":{},"c":1}"#);
        assert_eq!(text(Object::new().plain("x", "y").entries(&Map::new())), r#"{"x":"y"}"#);
    }

    #[test]
    fn members_are_joined_with_commas() {
        let inner = Object::new().field("b", &[1, 2]);
        let object =
            Object::new().plain("a", "x").extend(&inner).extend(&Object::new()).field("c", &"q\"uote");
        assert_eq!(String::from_utf8(object.into_json()).unwrap(), r#"{"a":"x","b":[1,2],"c":"q\"uote"}"#);
        assert_eq!(Object::new().extend(&Object::new()).into_json(), b"{}");
    }

    #[test]
    fn an_object_can_be_encoded_in_pieces() {
        let rest = Object::new().field("b", &1).plain("c", "x").into_members();
        assert_eq!(rest, r#""b":1,"c":"x""#);
        let mut whole = Object::new().field("a", &0).into_open_json();
        whole.extend_from_slice(format!("{rest}}}").as_bytes());
        assert_eq!(whole, Object::new().field("a", &0).encoded(&rest).into_json());
        assert_eq!(Object::new().into_open_json(), b"{");
        assert_eq!(Object::new().into_members(), "");
    }
}
