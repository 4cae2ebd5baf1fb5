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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("not an object: {other}"),
        }
    }

    #[test]
    fn levels_count_objects_and_arrays_from_the_outermost() {
        for (value, levels) in [
            (json!({}), 1),
            (json!({"a": 1}), 1),
            (json!({"a": {}}), 2),
            (json!({"a": []}), 2),
            (json!({"a": 1, "b": [{"c": []}]}), 4),
        ] {
            let object = object(value);
            assert!(is_nested_within(&object, levels), "{object:?}");
            assert!(!is_nested_within(&object, levels - 1), "{object:?}");
        }
    }

    #[test]
    fn kept_keys_stay_in_place_and_new_ones_follow() {
        let current = object(json!({"a": 1, "b": 2, "c": 3}));
        let change = object(json!({"d": 4, "a": null, "b": 5}));
        let merged = merge_top_level(&current, &change);
        assert_eq!(serde_json::to_string(&merged).unwrap(), r#"{"b":5,"c":3,"d":4}"#);
    }

    fn any_object() -> impl Strategy<Value = Map<String, Value>> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        let value = leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-e]", inner), 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        });
        prop::collection::vec(("[a-e]", value), 0..5).prop_map(|entries| entries.into_iter().collect())
    }

    proptest! {
        #[test]
        fn the_counted_length_is_that_of_the_text(object in any_object()) {
            prop_assert_eq!(serialized_bytes(&object), serde_json::to_string(&object).unwrap().len());
        }

        #[test]
        fn a_merge_has_each_key_from_the_change_or_else_from_before(
            current in any_object(),
            change in any_object(),
        ) {
            let merged = merge_top_level(&current, &change);
            for key in current.keys().chain(change.keys()) {
                let expected = match change.get(key) {
                    Some(Value::Null) => None,
                    Some(value) => Some(value),
                    None => current.get(key),
                };
                prop_assert_eq!(merged.get(key), expected);
            }
            prop_assert!(merged.keys().all(|key| current.contains_key(key) || change.contains_key(key)));
            prop_assert_eq!(merge_top_level(&merged, &change), merged, "applying it twice changes nothing");
        }
    }
}
