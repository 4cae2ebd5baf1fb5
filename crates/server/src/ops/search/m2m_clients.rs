//! Searching M2M clients (spec 03c §2): three filters, each satisfied by any of its values.

use super::cursor::Binding;
use super::filters::{Errors, Operand, check_size};
use super::{Found, finish, read_page, read_query};
use crate::cx::{Cx, Result};
use crate::wire::Fields;
use ostiary_core::error::ErrorType;
use ostiary_core::m2m::{M2mClient, is_valid_scope};
use ostiary_store::m2m_clients::{self, ClientFilter};
use ostiary_store::search::Position;

/// No filter takes a single text or a truth value, so the last two are never answered with another meaning.
const ERRORS: Errors = Errors {
    name_missing: ErrorType::M2mSearchMissingFilterName,
    name_must_be_string: ErrorType::M2mSearchFilterNameMustBeString,
    name_not_recognized: ErrorType::M2mSearchFilterNameNotRecognized,
    value_missing: ErrorType::M2mSearchMissingFilterValue,
    expected_strings: ErrorType::M2mSearchExpectedArrayOfStrings,
    expected_string: ErrorType::M2mSearchExpectedArrayOfStrings,
    expected_boolean: ErrorType::M2mSearchExpectedArrayOfStrings,
    empty: &[],
};

/// Searches the M2M clients of the project with the `cursor`, `limit` and `query` of a request.
pub async fn m2m_clients(cx: &Cx, fields: &Fields) -> Result<Found<M2mClient>> {
    let (matching, operands) = read_query(fields)?;
    check_size(&operands)?;
    let filters = operands.iter().map(filter).collect::<Result<Vec<_>>>()?;
    let binding = Binding::new(cx, &("m2m clients", matching, &filters))?;
    let (limit, page) = read_page(fields, &binding)?;
    let (reader, scope) = (cx.reader(), cx.scope());
    let found = m2m_clients::search(&reader, scope, &filters, matching, page).await?;
    let total = m2m_clients::count_found(&reader, scope, &filters, matching).await?;
    Ok(finish(found, total, limit, &binding, |client| Position {
        created_at: client.created_at,
        id: client.list_key,
    }))
}

fn filter(operand: &Fields) -> Result<ClientFilter> {
    let operand = Operand::read(operand, &ERRORS)?;
    match operand.name {
        "client_id" => Ok(ClientFilter::Ids(operand.strings()?)),
        "client_name" => Ok(ClientFilter::Names(operand.strings()?)),
        "scopes" => {
            // What cannot be a scope is nobody's.
            let scopes = operand.strings()?.into_iter().filter(|scope| is_valid_scope(scope));
            Ok(ClientFilter::Scopes(scopes.collect()))
        }
        _ => Err(operand.unrecognized()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(name: Value, value: Value) -> Result<ClientFilter> {
        let operand = json!({ "filter_name": name, "filter_value": value });
        filter(&Fields::parse(operand.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn every_filter_takes_any_of_its_values() {
        let texts = vec!["a".to_owned(), "b".to_owned()];
        let value = json!(["a", "b"]);
        assert_eq!(read(json!("client_id"), value.clone()).unwrap(), ClientFilter::Ids(texts.clone()));
        assert_eq!(read(json!("client_name"), value.clone()).unwrap(), ClientFilter::Names(texts.clone()));
        assert_eq!(read(json!("scopes"), value).unwrap(), ClientFilter::Scopes(texts));
        assert_eq!(
            read(json!("scopes"), json!(["a\",\"b", "a b"])).unwrap(),
            ClientFilter::Scopes(Vec::new())
        );
    }

    #[test]
    fn every_mistake_has_its_error() {
        use ErrorType as E;
        for (name, value, expected) in [
            (json!(null), json!(["a"]), E::M2mSearchMissingFilterName),
            (json!(1), json!(["a"]), E::M2mSearchFilterNameMustBeString),
            (json!("status"), json!(["active"]), E::M2mSearchFilterNameNotRecognized),
            (json!("client_id"), json!(null), E::M2mSearchMissingFilterValue),
            (json!("client_id"), json!("a"), E::M2mSearchExpectedArrayOfStrings),
            (json!("client_name"), json!([1]), E::M2mSearchExpectedArrayOfStrings),
            (json!("scopes"), json!({}), E::M2mSearchExpectedArrayOfStrings),
        ] {
            assert_eq!(read(name.clone(), value.clone()).unwrap_err().kind, expected, "{name} {value}");
        }
    }
}
