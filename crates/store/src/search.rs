//! Searching organizations and members with typed filters, page by page.
//!
//! A filter is a value of an enum and never text of a caller: what a caller gave is bound as a parameter, also after
//! it came back in a cursor (spec 06 R-50). Pages follow each other by the key (`created_at`, id), so that the
//! hundredth costs what the first does and rows that are added meanwhile shift nothing.

use crate::rows::Columns;
use crate::seam::{Db, Sql, SqlBuilder, StoreError};
use crate::{Scope, members, organizations, sql};
use ostiary_core::ids::{MemberId, OrganizationId};
use ostiary_core::member::{Member, MemberStatus};
use ostiary_core::organization::Organization;
use ostiary_core::time::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// Whether a row must satisfy every filter or only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Matching {
    /// Every one (`AND`); without filters every row satisfies them.
    All,
    /// At least one (`OR`); without filters every row counts here too.
    Any,
}

/// Where a page begins: behind the row with this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// When that row was created.
    pub created_at: Timestamp,
    /// The id of that row.
    pub id: Uuid,
}

/// Which part of the answer is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Behind which row; the first page when absent.
    pub after: Option<Position>,
    /// The most rows, which the caller bounds.
    pub rows_max: u32,
}

/// A part of a text, in any letter case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part(String);

impl Part {
    /// Texts that have `text` in them.
    pub fn new(text: &str) -> Self {
        let mut pattern = String::with_capacity(text.len() + 2);
        pattern.push('%');
        for character in text.chars().flat_map(char::to_lowercase) {
            if matches!(character, '%' | '_' | '!') {
                pattern.push('!');
            }
            pattern.push(character);
        }
        pattern.push('%');
        Part(pattern)
    }
}

/// A condition on organizations. Lists mean any of their values; an empty one is satisfied by nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum OrganizationFilter {
    /// By id or by external id.
    Ids {
        /// Ids.
        ids: Vec<OrganizationId>,
        /// External ids.
        external_ids: Vec<String>,
    },
    /// By slug, in lower case.
    Slugs(Vec<String>),
    /// By a part of the slug.
    SlugPart(Part),
    /// By a part of the name.
    NamePart(Part),
    /// Having a member with one of these addresses, in their normal form.
    MemberEmails(Vec<String>),
    /// Having a member with a part of an address.
    MemberEmailPart(Part),
    /// Listing one of these email domains, in their normal form.
    AllowedDomains(Vec<String>),
    /// Listing a domain with this part.
    AllowedDomainPart(Part),
    /// Having claimed one of these email domains, in their normal form.
    ClaimedDomains(Vec<String>),
    /// The same for every organization.
    Constant(bool),
}

/// A role that members of an organization hold because of the domain of their address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DomainRole {
    /// The organization.
    pub organization: OrganizationId,
    /// The domain.
    pub domain: String,
}

/// A condition on members. Lists mean any of their values; an empty one is satisfied by nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum MemberFilter {
    /// By id.
    Ids(Vec<MemberId>),
    /// By external id.
    ExternalIds(Vec<String>),
    /// By address, in its normal form.
    Emails(Vec<String>),
    /// By a part of the address.
    EmailPart(Part),
    /// By exemption from restrictions of methods.
    IsBreakglass(bool),
    /// By where they stand. Deleted members are found only when a filter of this kind names them.
    Statuses(Vec<MemberStatus>),
    /// By phone number in E.164 form.
    PhoneNumbers(Vec<String>),
    /// By a part of the phone number.
    PhoneNumberPart(Part),
    /// By role.
    Roles {
        /// Roles that were assigned to the member itself.
        direct: Vec<String>,
        /// Where one of the roles follows from the domain of the address.
        by_domain: Vec<DomainRole>,
    },
    /// By having a password.
    HasPassword(bool),
    /// By having an authenticator app.
    HasTotp(bool),
    /// By organization.
    Organizations(Vec<OrganizationId>),
    /// The same for every member.
    Constant(bool),
}

const ORGANIZATIONS: Sql = sql!("SELECT ", organizations::COLUMNS, " FROM organizations o WHERE o.env = ");
const COUNT_ORGANIZATIONS: Sql = sql!("SELECT COUNT(*) FROM organizations o WHERE o.env = ");
const MEMBERS: Sql = sql!("SELECT ", members::COLUMNS, " FROM members m WHERE m.env = ");
const COUNT_MEMBERS: Sql = sql!("SELECT COUNT(*) FROM members m WHERE m.env = ");
const NEVER: Sql = sql!("1 = 0");
const ALWAYS: Sql = sql!("1 = 1");

/// The organizations that satisfy the filters, oldest first.
pub async fn organizations(
    db: &Db,
    scope: Scope,
    filters: &[OrganizationFilter],
    matching: Matching,
    page: Page,
) -> Result<Vec<Organization>, StoreError> {
    let mut search = organization_search(ORGANIZATIONS, scope, filters, matching);
    if let Some(after) = page.after {
        search.push(sql!(" AND (o.created_at, o.organization_id) > ("));
        search.bind(after.created_at.micros()).push(sql!(", ")).bind(after.id).push(sql!(")"));
    }
    search.push(sql!(" ORDER BY o.created_at, o.organization_id LIMIT ")).bind(page.rows_max);
    let rows = db.long().rows_built(&search).await?;
    rows.iter().map(|row| organizations::map(scope, row, 0)).collect()
}

/// How many organizations satisfy the filters.
pub async fn count_organizations(
    db: &Db,
    scope: Scope,
    filters: &[OrganizationFilter],
    matching: Matching,
) -> Result<i64, StoreError> {
    count(db, &organization_search(COUNT_ORGANIZATIONS, scope, filters, matching)).await
}

/// The members of these organizations that satisfy the filters, oldest first.
pub async fn members(
    db: &Db,
    scope: Scope,
    organizations: &[OrganizationId],
    filters: &[MemberFilter],
    matching: Matching,
    page: Page,
) -> Result<Vec<Member>, StoreError> {
    let mut search = member_search(MEMBERS, scope, organizations, filters, matching);
    if let Some(after) = page.after {
        search.push(sql!(" AND (m.created_at, m.member_id) > ("));
        search.bind(after.created_at.micros()).push(sql!(", ")).bind(after.id).push(sql!(")"));
    }
    search.push(sql!(" ORDER BY m.created_at, m.member_id LIMIT ")).bind(page.rows_max);
    let rows = db.long().rows_built(&search).await?;
    rows.iter().map(|row| members::map(scope, row, 0)).collect()
}

/// How many members of these organizations satisfy the filters.
pub async fn count_members(
    db: &Db,
    scope: Scope,
    organizations: &[OrganizationId],
    filters: &[MemberFilter],
    matching: Matching,
) -> Result<i64, StoreError> {
    count(db, &member_search(COUNT_MEMBERS, scope, organizations, filters, matching)).await
}

/// The organizations that have one of these ids, or one of these names as their slug (in lower case) or external id.
pub async fn organizations_named(
    db: &Db,
    scope: Scope,
    ids: &[OrganizationId],
    names: &[String],
) -> Result<Vec<Organization>, StoreError> {
    let folded: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let mut search = SqlBuilder::new(ORGANIZATIONS);
    search.bind(scope.env).push(sql!(" AND (o.organization_id IN ("));
    search.bind_list(ids.iter().map(|id| id.uuid()));
    search.push(sql!(") OR o.slug_folded IN (")).bind_list(&folded);
    search.push(sql!(") OR o.external_id IN (")).bind_list(names);
    search.push(sql!("))"));
    let rows = db.long().rows_built(&search).await?;
    rows.iter().map(|row| organizations::map(scope, row, 0)).collect()
}

/// The one number that a composed statement answers.
pub(crate) async fn count(db: &Db, search: &SqlBuilder<'_>) -> Result<i64, StoreError> {
    match db.long().row_built(search).await? {
        Some(row) => Columns::of(&row).get(),
        None => Ok(0),
    }
}

fn organization_search<'a>(
    start: Sql,
    scope: Scope,
    filters: &'a [OrganizationFilter],
    matching: Matching,
) -> SqlBuilder<'a> {
    let mut search = SqlBuilder::new(start);
    search.bind(scope.env);
    push_filters(&mut search, filters, matching, |search, filter| {
        push_organization_filter(search, scope, filter);
    });
    search
}

fn member_search<'a>(
    start: Sql,
    scope: Scope,
    organizations: &[OrganizationId],
    filters: &'a [MemberFilter],
    matching: Matching,
) -> SqlBuilder<'a> {
    let names_deleted = |filter: &MemberFilter| matches!(filter, MemberFilter::Statuses(statuses) if statuses.contains(&MemberStatus::Deleted));
    let mut search = SqlBuilder::new(start);
    search.bind(scope.env).push(sql!(" AND m.organization_id IN ("));
    search.bind_list(organizations.iter().map(|id| id.uuid())).push(sql!(")"));
    let finds_deleted = filters.iter().any(names_deleted);
    if !finds_deleted {
        // In the words of the partial indexes, so that they serve the filters on what is unique.
        search.push(sql!(" AND m.status <> 'deleted'"));
    }
    push_filters(&mut search, filters, matching, |search, filter| {
        push_member_filter(search, scope, filter, finds_deleted);
    });
    search
}

/// Appends the filters, joined as wanted, behind conditions that hold anyway.
pub(crate) fn push_filters<'a, F>(
    search: &mut SqlBuilder<'a>,
    filters: &'a [F],
    matching: Matching,
    push: impl Fn(&mut SqlBuilder<'a>, &'a F),
) {
    if filters.is_empty() {
        return;
    }
    search.push(sql!(" AND ("));
    for (index, filter) in filters.iter().enumerate() {
        if index > 0 {
            search.push(match matching {
                Matching::All => sql!(" AND "),
                Matching::Any => sql!(" OR "),
            });
        }
        push(search, filter);
    }
    search.push(sql!(")"));
}

fn push_organization_filter<'a>(search: &mut SqlBuilder<'a>, scope: Scope, filter: &'a OrganizationFilter) {
    match filter {
        OrganizationFilter::Ids { ids, external_ids } => {
            search.push(sql!("(o.organization_id IN (")).bind_list(ids.iter().map(|id| id.uuid()));
            search.push(sql!(") OR o.external_id IN (")).bind_list(external_ids).push(sql!("))"));
        }
        OrganizationFilter::Slugs(slugs) => {
            search.push(sql!("o.slug_folded IN (")).bind_list(slugs).push(sql!(")"));
        }
        OrganizationFilter::SlugPart(part) => push_like(search, sql!("o.slug_folded LIKE "), part),
        OrganizationFilter::NamePart(part) => push_like(search, sql!("o.name_folded LIKE "), part),
        OrganizationFilter::MemberEmails(addresses) => {
            const HOLDERS: Sql =
                sql!("o.organization_id IN (SELECT e.organization_id FROM member_emails e WHERE e.env = ");
            search.push(HOLDERS).bind(scope.env).push(sql!(" AND e.is_current AND e.email_address IN ("));
            search.bind_list(addresses).push(sql!("))"));
        }
        OrganizationFilter::MemberEmailPart(part) => {
            const HOLDERS: Sql = sql!(
                "EXISTS (SELECT 1 FROM member_emails e WHERE e.env = o.env
                     AND e.organization_id = o.organization_id AND e.is_current AND e.email_address LIKE "
            );
            push_like(search, HOLDERS, part);
            search.push(sql!(")"));
        }
        OrganizationFilter::AllowedDomains(domains) => push_domains(search, scope, "allowed", domains),
        OrganizationFilter::AllowedDomainPart(part) => {
            const LISTED: Sql = sql!(
                "EXISTS (SELECT 1 FROM organization_domains d WHERE d.env = o.env
                     AND d.organization_id = o.organization_id AND d.purpose = 'allowed' AND d.domain LIKE "
            );
            push_like(search, LISTED, part);
            search.push(sql!(")"));
        }
        OrganizationFilter::ClaimedDomains(domains) => push_domains(search, scope, "claimed", domains),
        OrganizationFilter::Constant(satisfied) => {
            search.push(if *satisfied { ALWAYS } else { NEVER });
        }
    }
}

fn push_domains<'a>(search: &mut SqlBuilder<'a>, scope: Scope, purpose: &'static str, domains: &'a [String]) {
    const LISTED: Sql =
        sql!("o.organization_id IN (SELECT d.organization_id FROM organization_domains d WHERE d.env = ");
    search.push(LISTED).bind(scope.env).push(sql!(" AND d.purpose = ")).bind(purpose);
    search.push(sql!(" AND d.domain IN (")).bind_list(domains).push(sql!("))"));
}

fn push_member_filter<'a>(
    search: &mut SqlBuilder<'a>,
    scope: Scope,
    filter: &'a MemberFilter,
    finds_deleted: bool,
) {
    match filter {
        MemberFilter::Ids(ids) => {
            search.push(sql!("m.member_id IN (")).bind_list(ids.iter().map(|id| id.uuid())).push(sql!(")"));
        }
        MemberFilter::ExternalIds(ids) => {
            search.push(sql!("m.external_id IN (")).bind_list(ids).push(sql!(")"));
        }
        // Deleted members hold no addresses, so that the index knows only the others.
        MemberFilter::Emails(addresses) if finds_deleted => {
            search.push(sql!("m.email_address IN (")).bind_list(addresses).push(sql!(")"));
        }
        MemberFilter::Emails(addresses) => {
            const HOLDERS: Sql =
                sql!("m.member_id IN (SELECT e.member_id FROM member_emails e WHERE e.env = ");
            search.push(HOLDERS).bind(scope.env).push(sql!(" AND e.is_current AND e.email_address IN ("));
            search.bind_list(addresses).push(sql!("))"));
        }
        MemberFilter::EmailPart(part) => push_like(search, sql!("m.email_address LIKE "), part),
        MemberFilter::IsBreakglass(wanted) => {
            search.push(sql!("m.is_breakglass = ")).bind(*wanted);
        }
        MemberFilter::Statuses(statuses) => {
            search.push(sql!("m.status IN (")).bind_list(statuses.iter().map(|status| status.as_str()));
            search.push(sql!(")"));
        }
        MemberFilter::PhoneNumbers(numbers) => {
            search.push(sql!("m.mfa_phone_number IN (")).bind_list(numbers).push(sql!(")"));
        }
        MemberFilter::PhoneNumberPart(part) => push_like(search, sql!("m.mfa_phone_number LIKE "), part),
        MemberFilter::Roles { direct, by_domain } => push_roles(search, direct, by_domain),
        MemberFilter::HasPassword(wanted) => push_presence(search, sql!("m.password_id"), *wanted),
        MemberFilter::HasTotp(wanted) => push_presence(search, sql!("m.totp_id"), *wanted),
        MemberFilter::Organizations(ids) => {
            search
                .push(sql!("m.organization_id IN ("))
                .bind_list(ids.iter().map(|id| id.uuid()))
                .push(sql!(")"));
        }
        MemberFilter::Constant(satisfied) => {
            search.push(if *satisfied { ALWAYS } else { NEVER });
        }
    }
}

fn push_roles<'a>(search: &mut SqlBuilder<'a>, direct: &'a [String], by_domain: &'a [DomainRole]) {
    search.push(sql!("("));
    for role in direct {
        // The column is a JSON list of texts, in which a text with its quotes stands for itself only.
        search.push(sql!("replace(m.direct_roles, '\"' || ")).bind(role);
        search.push(sql!(" || '\"', '') <> m.direct_roles OR "));
    }
    for role in by_domain {
        search.push(sql!("(m.organization_id = ")).bind(role.organization.uuid());
        search.push(sql!(" AND m.email_domain = ")).bind(&role.domain).push(sql!(") OR "));
    }
    search.push(NEVER).push(sql!(")"));
}

fn push_presence(search: &mut SqlBuilder<'_>, column: Sql, wanted: bool) {
    search.push(column).push(if wanted { sql!(" IS NOT NULL") } else { sql!(" IS NULL") });
}

/// The columns are in lower case, as the parts are, since SQLite ignores the case of ASCII letters here and PostgreSQL
/// does not.
fn push_like<'a>(search: &mut SqlBuilder<'a>, column_like: Sql, part: &'a Part) {
    search.push(column_like).bind(&part.0).push(sql!(" ESCAPE '!'"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_folded_and_mean_themselves() {
        assert_eq!(Part::new("50%_OFF!"), Part("%50!%!_off!!%".into()));
        assert_eq!(Part::new("ÄÖ"), Part("%äö%".into()));
    }
}
