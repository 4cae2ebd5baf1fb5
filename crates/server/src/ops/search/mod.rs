//! Searching organizations, members and M2M clients (spec 01a §3 and §4, 03c §2).
//!
//! A search is read from the fields of a request: `query` becomes typed filters, `cursor` the key of the last row that
//! the caller has seen. What is answered is one page, the number of all rows, and the cursor of the next page.

mod cursor;
mod filters;
mod m2m_clients;

use crate::cx::{Cx, Result};
use crate::wire::Fields;
use cursor::Binding;
pub use m2m_clients::m2m_clients;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::{IdError, OrganizationId};
use ostiary_core::member::Member;
use ostiary_core::organization::Organization;
use ostiary_store::search::{self, Matching, Page, Position};

/// How many rows a page may have.
pub const LIMIT: std::ops::RangeInclusive<i64> = 1..=1000;
/// How many rows a page has when the request does not say.
pub const LIMIT_DEFAULT: i64 = 100;
/// The most organizations in which one search looks for members.
const ORGANIZATIONS_MAX: usize = 1000;

/// One page of what was found.
#[derive(Debug)]
pub struct Found<T> {
    /// The page, oldest first.
    pub entries: Vec<T>,
    /// How many there are on all pages.
    pub total: i64,
    /// With what to ask for the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// Searches the organizations of the project with the `cursor`, `limit` and `query` of a request.
pub async fn organizations(cx: &Cx, fields: &Fields) -> Result<Found<Organization>> {
    let (matching, operands) = read_query(fields)?;
    let filters = filters::organization_filters(cx, &operands)?;
    let binding = Binding::new(cx, &("organizations", matching, &filters))?;
    let (limit, page) = read_page(fields, &binding)?;
    let (reader, scope) = (cx.reader(), cx.scope());
    let found = search::organizations(&reader, scope, &filters, matching, page).await?;
    let total = search::count_organizations(&reader, scope, &filters, matching).await?;
    Ok(finish(found, total, limit, &binding, |organization| Position {
        created_at: organization.created_at,
        id: organization.id.uuid(),
    }))
}

/// Searches the members of these organizations with the `cursor`, `limit` and `query` of a request.
pub async fn members(cx: &Cx, organizations: &[Organization], fields: &Fields) -> Result<Found<Member>> {
    let (matching, operands) = read_query(fields)?;
    let filters = filters::member_filters(cx, organizations, &operands)?;
    let places: Vec<OrganizationId> = organizations.iter().map(|organization| organization.id).collect();
    let binding = Binding::new(cx, &("members", &places, matching, &filters))?;
    let (limit, page) = read_page(fields, &binding)?;
    let (reader, scope) = (cx.reader(), cx.scope());
    let found = search::members(&reader, scope, &places, &filters, matching, page).await?;
    let total = search::count_members(&reader, scope, &places, &filters, matching).await?;
    Ok(finish(found, total, limit, &binding, |member| Position {
        created_at: member.created_at,
        id: member.id.uuid(),
    }))
}

/// The organizations that `organization_ids` of a member search names, by any identifier and without repetitions.
pub async fn named_organizations(cx: &Cx, identifiers: &[String]) -> Result<Vec<Organization>> {
    if identifiers.is_empty() {
        return Err(ErrorType::MemberSearchOrganizationIdsEmpty.into());
    }
    if identifiers.len() > ORGANIZATIONS_MAX {
        return Err(ErrorType::InvalidRequestValue
            .with_message(format!("organization_ids may name at most {ORGANIZATIONS_MAX} organizations.")));
    }
    let (mut ids, mut names) = (Vec::new(), Vec::new());
    for identifier in identifiers {
        match OrganizationId::parse(identifier, cx.project.kind()) {
            Ok(id) => ids.push(id),
            Err(IdError::Malformed) => names.push(identifier.clone()),
            Err(wrong_environment) => return Err(wrong_environment.into_error("organization_ids")),
        }
    }
    let known = search::organizations_named(&cx.reader(), cx.scope(), &ids, &names).await?;
    let mut named: Vec<Organization> = Vec::with_capacity(identifiers.len());
    for identifier in identifiers {
        let found = find_named(&known, identifier).ok_or(ErrorType::OrganizationNotFound)?;
        if named.iter().all(|organization| organization.id != found.id) {
            named.push(found.clone());
        }
    }
    named.sort_by_key(|organization| organization.id);
    Ok(named)
}

/// One identifier means one organization, in the order of every other call: id, slug, external id (spec 01a §2).
fn find_named<'a>(known: &'a [Organization], identifier: &str) -> Option<&'a Organization> {
    let slug = identifier.to_lowercase();
    known
        .iter()
        .find(|organization| organization.id.to_string() == identifier)
        .or_else(|| known.iter().find(|organization| organization.slug.to_lowercase() == slug))
        .or_else(|| known.iter().find(|organization| organization.external_id.as_deref() == Some(identifier)))
}

/// The operator and the operands of a query; no query at all finds everything.
fn read_query(fields: &Fields) -> Result<(Matching, Vec<Fields>)> {
    let query = fields.object("query")?.map(Fields::of).unwrap_or_default();
    let matching = match query.raw("operator").map(|operator| operator.as_str()) {
        None | Some(Some("AND")) => Matching::All,
        // Deprecated, but callers of old still send it.
        Some(Some("OR")) => Matching::Any,
        Some(_) => return Err(ErrorType::SearchInvalidOperator.into()),
    };
    Ok((matching, query.objects("operands")?.unwrap_or_default()))
}

/// The limit, and the page that it makes: with one row more, which shows whether another page follows.
fn read_page(fields: &Fields, binding: &Binding) -> Result<(usize, Page)> {
    let refuse = |kind: ErrorType| move |_: Error| Error::from(kind);
    let limit =
        fields.integer("limit").map_err(refuse(ErrorType::SearchInvalidLimit))?.unwrap_or(LIMIT_DEFAULT);
    let rows_max = u32::try_from(limit)
        .ok()
        .filter(|_| LIMIT.contains(&limit))
        .map(|limit| limit + 1)
        .ok_or(ErrorType::SearchInvalidLimit)?;
    let cursor = fields.nonempty("cursor").map_err(refuse(ErrorType::SearchInvalidCursor))?;
    let after = cursor.map(|cursor| binding.open(&cursor)).transpose()?;
    Ok((usize::try_from(limit).unwrap_or(usize::MAX), Page { after, rows_max }))
}

fn finish<T>(
    mut entries: Vec<T>,
    total: i64,
    limit: usize,
    binding: &Binding,
    position: impl Fn(&T) -> Position,
) -> Found<T> {
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    let last = entries.last().filter(|_| has_more);
    let next_cursor = last.map(|last| binding.seal(position(last)));
    Found { entries, total, next_cursor }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields {
        Fields::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn without_a_query_everything_is_found() {
        for json in
            ["{}", r#"{"query":null}"#, r#"{"query":{}}"#, r#"{"query":{"operator":"AND","operands":[]}}"#]
        {
            let (matching, operands) = read_query(&fields(json)).unwrap();
            assert_eq!((matching, operands.len()), (Matching::All, 0), "{json}");
        }
    }

    #[test]
    fn operators_other_than_and_and_or_are_refused() {
        assert_eq!(read_query(&fields(r#"{"query":{"operator":"OR"}}"#)).unwrap().0, Matching::Any);
        for json in
            [r#"{"query":{"operator":"XOR"}}"#, r#"{"query":{"operator":""}}"#, r#"{"query":{"operator":1}}"#]
        {
            assert_eq!(
                read_query(&fields(json)).unwrap_err().kind,
                ErrorType::SearchInvalidOperator,
                "{json}"
            );
        }
    }

    #[test]
    fn operands_that_are_no_objects_are_refused() {
        for json in
            [r#"{"query":[]}"#, r#"{"query":{"operands":{}}}"#, r#"{"query":{"operands":["status"]}}"#]
        {
            assert_eq!(read_query(&fields(json)).unwrap_err().kind, ErrorType::BadRequest, "{json}");
        }
    }

    #[test]
    fn limits_are_from_one_to_a_thousand() {
        let binding = Binding::test("a");
        for (json, expected) in [("{}", 100), (r#"{"limit":1}"#, 1), (r#"{"limit":1000}"#, 1000)] {
            let (limit, page) = read_page(&fields(json), &binding).unwrap();
            assert_eq!((limit, page.rows_max), (expected, u32::try_from(expected).unwrap() + 1), "{json}");
        }
        for limit in ["0", "-1", "1001", "1.5", "\"10\"", "99999999999999999999"] {
            let error = read_page(&fields(&format!(r#"{{"limit":{limit}}}"#)), &binding).unwrap_err();
            assert_eq!(error.kind, ErrorType::SearchInvalidLimit, "{limit}");
        }
    }

    #[test]
    fn an_empty_cursor_is_the_first_page_and_a_wrong_one_is_refused() {
        let binding = Binding::test("a");
        assert_eq!(read_page(&fields(r#"{"cursor":""}"#), &binding).unwrap().1.after, None);
        for cursor in ["1", "{}", "\"x\"", "true"] {
            let error = read_page(&fields(&format!(r#"{{"cursor":{cursor}}}"#)), &binding).unwrap_err();
            assert_eq!(error.kind, ErrorType::SearchInvalidCursor, "{cursor}");
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let binding = Binding::test("a");
        let position = |seconds: &i64| Position {
            created_at: ostiary_core::time::Timestamp::from_micros(*seconds),
            id: uuid::Uuid::nil(),
        };
        let full = finish(vec![1, 2, 3], 3, 2, &binding, position);
        assert_eq!(full.entries, [1, 2]);
        assert_eq!(binding.open(&full.next_cursor.unwrap()).unwrap(), position(&2));
        let last = finish(vec![3], 3, 2, &binding, position);
        assert_eq!((last.entries, last.next_cursor), (vec![3], None));
    }
}
