//! What metadata and custom claims share: the top-level merge, and measuring a JSON object.

use std::io;

use serde_json::{Map, Value};

/// `current` with the keys of `change` written over it: `null` removes a key, any other value
/// replaces the whole old one, however deep. Kept keys stay where they are, new ones follow.
pub(crate) fn merge_top_level<'a>(
    current: &Map<String, Value>,
    change: impl IntoIterator<Item = (&'a String, &'a Value)>,
) -> Map<String, Value> {
    let mut merged = current.clone();
    for (key, value) in change {
        if value.is_null() {
            merged.shift_remove(key);
        } else {
            merged.insert(key.clone(), value.clone());
        }
    }
    merged
}

/// The length of the object as compact JSON in UTF-8, counted without building the text.
pub(crate) fn serialized_bytes(object: &Map<String, Value>) -> usize {
    struct Counter(usize);
    impl io::Write for Counter {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.0 += buffer.len();
            Ok(buffer.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, object)
        .expect("a JSON object always serializes, and counting cannot fail");
    counter.0
}

/// Whether objects and arrays are nested at most `levels` deep, the outer object being level one.
pub(crate) fn is_nested_within(object: &Map<String, Value>, levels: usize) -> bool {
    levels > 0 && object.values().all(|value| value_is_nested_within(value, levels - 1))
}

fn value_is_nested_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Object(object) => is_nested_within(object, levels),
        Value::Array(items) => {
            levels > 0 && items.iter().all(|item| value_is_nested_within(item, levels - 1))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
