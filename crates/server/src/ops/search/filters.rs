//! From the operands of a query to typed filters, with the exact error of every mistake.

use crate::cx::{Cx, Result};
use crate::wire::Fields;
use ostiary_core::email::{EmailAddress, parse_domain};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::{EnvironmentKind, IdError, MemberId, OrganizationId};
use ostiary_core::member::MemberStatus;
use ostiary_core::organization::Organization;
use ostiary_core::phone::PhoneNumber;
use ostiary_core::rbac::MEMBER_ROLE;
use ostiary_store::search::{DomainRole, MemberFilter, OrganizationFilter, Part};
use serde_json::Value;

/// The most operands of one query.
const OPERANDS_MAX: usize = 100;
/// The most values in all operands of one query together; each is a parameter of one statement.
const VALUES_MAX: usize = 10_000;
/// The fewest characters of a fuzzy filter.
const FUZZY_CHARS_MIN: usize = 3;
/// The most characters of a fuzzy filter: more than anything that is searched has.
const FUZZY_CHARS_MAX: usize = 256;

/// The errors of one of the searches.
pub(super) struct Errors {
    pub(super) name_missing: ErrorType,
    pub(super) name_must_be_string: ErrorType,
    pub(super) name_not_recognized: ErrorType,
    pub(super) value_missing: ErrorType,
    pub(super) expected_strings: ErrorType,
    pub(super) expected_string: ErrorType,
    pub(super) expected_boolean: ErrorType,
    /// The filters that have a name of their own for an empty value.
    pub(super) empty: &'static [(&'static str, ErrorType)],
}

const ORGANIZATION_ERRORS: Errors = Errors {
    name_missing: ErrorType::OrganizationSearchMissingFilterName,
    name_must_be_string: ErrorType::OrganizationSearchFilterNameMustBeString,
    name_not_recognized: ErrorType::OrganizationSearchFilterNameNotRecognized,
    value_missing: ErrorType::OrganizationSearchMissingFilterValue,
    expected_strings: ErrorType::OrganizationSearchExpectedArrayOfStrings,
    expected_string: ErrorType::OrganizationSearchExpectedString,
    expected_boolean: ErrorType::OrganizationSearchExpectedBoolean,
    empty: &[
        ("organization_ids", ErrorType::OrganizationSearchMissingOrganizationIds),
        ("organization_slugs", ErrorType::OrganizationSearchMissingOrganizationSlugs),
        ("organization_slug_fuzzy", ErrorType::OrganizationSearchMissingOrganizationSlugFuzzy),
        ("organization_name_fuzzy", ErrorType::OrganizationSearchMissingOrganizationNameFuzzy),
        ("member_emails", ErrorType::OrganizationSearchMissingMemberEmails),
        ("member_email_fuzzy", ErrorType::OrganizationSearchMissingMemberEmailFuzzy),
        ("allowed_domains", ErrorType::OrganizationSearchMissingAllowedDomains),
        ("allowed_domain_fuzzy", ErrorType::OrganizationSearchMissingAllowedDomainFuzzy),
        ("claimed_email_domains", ErrorType::OrganizationSearchMissingClaimedEmailDomains),
        ("has_active_sso_connection", ErrorType::OrganizationSearchMissingHasActiveSsoConnection),
        ("sso_connection_id", ErrorType::OrganizationSearchMissingSsoConnectionId),
    ],
};
const MEMBER_ERRORS: Errors = Errors {
    name_missing: ErrorType::MemberSearchMissingFilterName,
    name_must_be_string: ErrorType::MemberSearchFilterNameMustBeString,
    name_not_recognized: ErrorType::MemberSearchFilterNameNotRecognized,
    value_missing: ErrorType::MemberSearchMissingFilterValue,
    expected_strings: ErrorType::MemberSearchExpectedArrayOfStrings,
    expected_string: ErrorType::MemberSearchExpectedString,
    expected_boolean: ErrorType::MemberSearchExpectedBoolean,
    empty: &[
        ("member_ids", ErrorType::MemberSearchMissingMemberIds),
        ("member_emails", ErrorType::MemberSearchMissingMemberEmails),
        ("member_email_fuzzy", ErrorType::MemberSearchMissingMemberEmailFuzzy),
        ("member_is_breakglass", ErrorType::MemberSearchMissingIsBreakglass),
        ("statuses", ErrorType::MemberSearchMissingStatuses),
        ("status", ErrorType::MemberSearchMissingStatus),
        ("member_mfa_phone_numbers", ErrorType::MemberSearchMissingMfaMemberPhoneNumbers),
        ("member_phone_numbers", ErrorType::MemberSearchMissingMfaMemberPhoneNumbers),
        ("member_mfa_phone_number_fuzzy", ErrorType::MemberSearchMissingMfaMemberPhoneNumberFuzzy),
        ("member_phone_number_fuzzy", ErrorType::MemberSearchMissingMfaMemberPhoneNumberFuzzy),
        ("member_roles", ErrorType::MemberSearchMissingMemberRoles),
        ("member_password_exists", ErrorType::MemberSearchMissingPasswordExists),
        ("password_exists", ErrorType::MemberSearchMissingPasswordExists),
        ("member_totp_exists", ErrorType::MemberSearchMissingTotpExists),
        ("totp_exists", ErrorType::MemberSearchMissingTotpExists),
        ("oauth_providers", ErrorType::MemberSearchMissingOauthProviders),
        ("organization_slug", ErrorType::MemberSearchMissingOrganizationSlug),
        ("organization_slug_fuzzy", ErrorType::MemberSearchMissingOrganizationSlugFuzzy),
    ],
};

/// One `{filter_name, filter_value}`.
pub(super) struct Operand<'a> {
    fields: &'a Fields,
    pub(super) name: &'a str,
    errors: &'static Errors,
}

impl<'a> Operand<'a> {
    pub(super) fn read(fields: &'a Fields, errors: &'static Errors) -> Result<Self> {
        let name = match fields.raw("filter_name") {
            None => return Err(errors.name_missing.into()),
            Some(Value::String(name)) => name.as_str(),
            Some(_) => return Err(errors.name_must_be_string.into()),
        };
        let operand = Operand { fields, name, errors };
        operand.refuse_empty()?;
        Ok(operand)
    }

    /// A value that is given but empty is most likely a list that came out empty, or a text that was never entered. To
    /// find nothing, or everything, would hide that.
    fn refuse_empty(&self) -> Result<()> {
        let is_empty = match self.fields.given("filter_value") {
            Some(Value::Null) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Array(entries)) => entries.is_empty(),
            _ => false,
        };
        let own = self.errors.empty.iter().find(|(name, _)| is_empty && *name == self.name);
        own.map_or(Ok(()), |(_, kind)| Err((*kind).into()))
    }

    pub(super) fn unrecognized(&self) -> Error {
        // The name goes back to the caller, so it is shown only when it could be the name of a filter.
        let is_plain =
            self.name.len() <= 64 && self.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        match self.errors.name_not_recognized {
            kind if is_plain => kind.with_message(format!("There is no filter named {:?}.", self.name)),
            kind => kind.into(),
        }
    }

    fn value(&self) -> Result<&'a Value> {
        self.fields.raw("filter_value").ok_or_else(|| self.errors.value_missing.into())
    }

    /// A wrong type is an error of the search, other faults of a text are those of every request.
    fn as_type<T>(&self, read: Result<Option<T>>, wrong_type: ErrorType) -> Result<T> {
        match read {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(self.errors.value_missing.into()),
            Err(error) if error.kind == ErrorType::BadRequest => {
                Err(wrong_type.with_message(format!("{} ({})", wrong_type.text(), self.name)))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn strings(&self) -> Result<Vec<String>> {
        self.as_type(self.fields.texts("filter_value"), self.errors.expected_strings)
    }

    fn string(&self) -> Result<&'a str> {
        self.as_type(self.fields.text("filter_value"), self.errors.expected_string)
    }

    fn boolean(&self) -> Result<bool> {
        match self.value()? {
            Value::Bool(value) => Ok(*value),
            _ => Err(self.errors.expected_boolean.into()),
        }
    }

    fn part(&self, too_short: ErrorType) -> Result<Part> {
        let text = self.string()?;
        match text.chars().count() {
            count if count < FUZZY_CHARS_MIN => Err(too_short.into()),
            count if count > FUZZY_CHARS_MAX => Err(ErrorType::InvalidRequestValue
                .with_message(format!("Fuzzy filters may have at most {FUZZY_CHARS_MAX} characters."))),
            _ => Ok(Part::new(text)),
        }
    }

    fn emails(&self) -> Result<Vec<String>> {
        self.parsed(EmailAddress::parse, |email| email.as_str().to_owned(), ErrorType::InvalidEmail)
    }

    fn phone_numbers(&self) -> Result<Vec<String>> {
        self.parsed(PhoneNumber::parse, |number| number.as_str().to_owned(), ErrorType::InvalidPhoneNumber)
    }

    fn parsed<T>(
        &self,
        parse: impl Fn(&str) -> Option<T>,
        normal_form: impl Fn(&T) -> String,
        wrong: ErrorType,
    ) -> Result<Vec<String>> {
        let values = self.strings()?;
        values.iter().map(|value| parse(value).map(|value| normal_form(&value)).ok_or(wrong.into())).collect()
    }

    /// Domains in their normal form; what is no domain stands in no list, so it is left out.
    fn domains(&self) -> Result<Vec<String>> {
        Ok(self.strings()?.iter().filter_map(|domain| parse_domain(domain)).collect())
    }
}

/// The filters of an organization search.
pub(super) fn organization_filters(cx: &Cx, operands: &[Fields]) -> Result<Vec<OrganizationFilter>> {
    check_size(operands)?;
    operands.iter().map(|fields| organization_filter(cx.project.kind(), fields)).collect()
}

fn organization_filter(kind: EnvironmentKind, fields: &Fields) -> Result<OrganizationFilter> {
    use OrganizationFilter as F;
    let operand = Operand::read(fields, &ORGANIZATION_ERRORS)?;
    Ok(match operand.name {
        "organization_ids" => organization_ids(kind, &operand.strings()?)?,
        "organization_slugs" => F::Slugs(operand.strings()?.iter().map(|slug| slug.to_lowercase()).collect()),
        "organization_slug_fuzzy" => {
            F::SlugPart(operand.part(ErrorType::OrganizationSearchSlugFuzzyTooShort)?)
        }
        "organization_name_fuzzy" => {
            F::NamePart(operand.part(ErrorType::OrganizationSearchNameFuzzyTooShort)?)
        }
        "member_emails" => F::MemberEmails(operand.emails()?),
        "member_email_fuzzy" => {
            F::MemberEmailPart(operand.part(ErrorType::OrganizationSearchEmailFuzzyTooShort)?)
        }
        "allowed_domains" => F::AllowedDomains(operand.domains()?),
        "allowed_domain_fuzzy" => {
            F::AllowedDomainPart(operand.part(ErrorType::OrganizationSearchDomainFuzzyTooShort)?)
        }
        "claimed_email_domains" => F::ClaimedDomains(operand.domains()?),
        // There are no SSO connections on this server.
        "has_active_sso_connection" => F::Constant(!operand.boolean()?),
        "sso_connection_id" => operand.string().map(|_| F::Constant(false))?,
        _ => return Err(operand.unrecognized()),
    })
}

fn organization_ids(kind: EnvironmentKind, identifiers: &[String]) -> Result<OrganizationFilter> {
    let (mut ids, mut external_ids) = (Vec::new(), Vec::new());
    for identifier in identifiers {
        match OrganizationId::parse(identifier, kind) {
            Ok(id) => ids.push(id),
            Err(IdError::Malformed) => external_ids.push(identifier.clone()),
            Err(wrong_environment) => return Err(wrong_environment.into_error("organization_ids")),
        }
    }
    Ok(OrganizationFilter::Ids { ids, external_ids })
}

/// The filters of a member search in these organizations.
pub(super) fn member_filters(
    cx: &Cx,
    organizations: &[Organization],
    operands: &[Fields],
) -> Result<Vec<MemberFilter>> {
    check_size(operands)?;
    operands.iter().map(|fields| member_filter(cx.project.kind(), organizations, fields)).collect()
}

/// Where spellings differ between documents and SDK types, both are taken (spec 01a §4).
fn member_filter(
    kind: EnvironmentKind,
    organizations: &[Organization],
    fields: &Fields,
) -> Result<MemberFilter> {
    use MemberFilter as F;
    let operand = Operand::read(fields, &MEMBER_ERRORS)?;
    Ok(match operand.name {
        "member_ids" => member_ids(kind, operand.strings()?)?,
        "member_emails" => F::Emails(operand.emails()?),
        "member_email_fuzzy" => F::EmailPart(operand.part(ErrorType::MemberSearchEmailFuzzyTooShort)?),
        "member_is_breakglass" => F::IsBreakglass(operand.boolean()?),
        "statuses" => F::Statuses(operand.strings()?.iter().map(|text| status(text)).collect::<Result<_>>()?),
        "status" => F::Statuses(vec![status(operand.string()?)?]),
        "member_mfa_phone_numbers" | "member_phone_numbers" => F::PhoneNumbers(operand.phone_numbers()?),
        "member_mfa_phone_number_fuzzy" | "member_phone_number_fuzzy" => {
            F::PhoneNumberPart(operand.part(ErrorType::MemberSearchPhoneFuzzyTooShort)?)
        }
        "member_roles" => roles(organizations, operand.strings()?),
        "member_password_exists" | "password_exists" => F::HasPassword(operand.boolean()?),
        "member_totp_exists" | "totp_exists" => F::HasTotp(operand.boolean()?),
        // There is no OAuth login on this server, hence no member with a provider.
        "oauth_providers" => operand.strings().map(|_| F::Constant(false))?,
        "organization_slug" => {
            let wanted = operand.string()?.to_lowercase();
            in_organizations(organizations, |slug| slug == wanted)
        }
        "organization_slug_fuzzy" => {
            operand.part(ErrorType::MemberSearchSlugFuzzyTooShort)?;
            let wanted = operand.string()?.to_lowercase();
            in_organizations(organizations, |slug| slug.contains(&wanted))
        }
        _ => return Err(operand.unrecognized()),
    })
}

fn member_ids(kind: EnvironmentKind, identifiers: Vec<String>) -> Result<MemberFilter> {
    let (mut ids, mut external_ids) = (Vec::new(), Vec::new());
    for identifier in identifiers {
        match MemberId::parse(&identifier, kind) {
            Ok(id) => ids.push(id),
            Err(IdError::Malformed) => external_ids.push(identifier),
            Err(wrong_environment) => return Err(wrong_environment.into_error("member_ids")),
        }
    }
    match (ids.is_empty(), external_ids.is_empty()) {
        (false, false) => Err(ErrorType::MemberSearchCannotMixIds.into()),
        (true, false) => Ok(MemberFilter::ExternalIds(external_ids)),
        (_, true) => Ok(MemberFilter::Ids(ids)),
    }
}

fn status(text: &str) -> Result<MemberStatus> {
    MemberStatus::parse(text).ok_or_else(|| ErrorType::SearchInvalidStatusFilter.into())
}

/// Members hold a role because it was assigned to them, because of the domain of their address, or, the default role,
/// always.
fn roles(organizations: &[Organization], roles: Vec<String>) -> MemberFilter {
    if roles.iter().any(|role| role == MEMBER_ROLE) {
        return MemberFilter::Constant(true);
    }
    let mut by_domain = Vec::new();
    for organization in organizations {
        for assignment in &organization.settings.rbac_email_implicit_role_assignments {
            if roles.contains(&assignment.role_id) {
                by_domain
                    .push(DomainRole { organization: organization.id, domain: assignment.domain.clone() });
            }
        }
    }
    MemberFilter::Roles { direct: roles, by_domain }
}

fn in_organizations(organizations: &[Organization], is_wanted: impl Fn(&str) -> bool) -> MemberFilter {
    let wanted = organizations.iter().filter(|organization| is_wanted(&organization.slug.to_lowercase()));
    MemberFilter::Organizations(wanted.map(|organization| organization.id).collect())
}

pub(super) fn check_size(operands: &[Fields]) -> Result<()> {
    let values = |operand: &Fields| operand.raw("filter_value").and_then(Value::as_array).map_or(1, Vec::len);
    if operands.len() > OPERANDS_MAX || operands.iter().map(values).sum::<usize>() > VALUES_MAX {
        return Err(ErrorType::InvalidRequestValue.with_message(format!(
            "A query may have at most {OPERANDS_MAX} operands with {VALUES_MAX} values in all."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use EnvironmentKind::Test;
    use ostiary_core::organization::{EmailRoleAssignment, OrganizationSettings};
    use ostiary_core::time::Timestamp;
    use serde_json::{Map, json};
    use uuid::Uuid;

    fn operand(name: Value, value: Value) -> Fields {
        Fields::parse(json!({ "filter_name": name, "filter_value": value }).to_string().as_bytes()).unwrap()
    }

    fn acme() -> Organization {
        let settings = OrganizationSettings {
            rbac_email_implicit_role_assignments: vec![EmailRoleAssignment {
                domain: "acme.example".into(),
                role_id: "editor".into(),
            }],
            ..OrganizationSettings::default()
        };
        Organization {
            id: OrganizationId::new(Uuid::from_u128(1), Test),
            name: "Acme".into(),
            slug: "Acme-Corp".into(),
            logo_url: String::new(),
            external_id: None,
            trusted_metadata: Map::new(),
            settings,
            custom_roles: Vec::new(),
            created_at: Timestamp::from_micros(0),
            updated_at: Timestamp::from_micros(0),
            version: 1,
        }
    }

    fn of_organizations(name: &str, value: Value) -> Result<OrganizationFilter> {
        organization_filter(Test, &operand(json!(name), value))
    }

    fn of_members(name: &str, value: Value) -> Result<MemberFilter> {
        member_filter(Test, &[acme()], &operand(json!(name), value))
    }

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn values_are_brought_into_the_form_that_is_stored() {
        use OrganizationFilter as O;
        assert_eq!(
            of_organizations("organization_slugs", json!(["ACME"])).unwrap(),
            O::Slugs(texts(&["acme"]))
        );
        assert_eq!(
            of_organizations("member_emails", json!(["Ada@Acme.Example"])).unwrap(),
            O::MemberEmails(texts(&["ada@acme.example"]))
        );
        assert_eq!(
            of_organizations("allowed_domains", json!(["ACME.example", "not a domain"])).unwrap(),
            O::AllowedDomains(texts(&["acme.example"]))
        );
        assert_eq!(
            of_organizations("organization_name_fuzzy", json!("100%")).unwrap(),
            O::NamePart(Part::new("100%"))
        );
        assert_eq!(
            of_members("member_emails", json!(["Ada@Acme.Example"])).unwrap(),
            MemberFilter::Emails(texts(&["ada@acme.example"]))
        );
    }

    #[test]
    fn ids_are_told_from_external_ids() {
        let id = OrganizationId::new(Uuid::from_u128(7), Test);
        assert_eq!(
            of_organizations("organization_ids", json!([id, "crm-7"])).unwrap(),
            OrganizationFilter::Ids { ids: vec![id], external_ids: texts(&["crm-7"]) }
        );
        let member = MemberId::new(Uuid::from_u128(7), Test);
        assert_eq!(of_members("member_ids", json!([member])).unwrap(), MemberFilter::Ids(vec![member]));
        assert_eq!(
            of_members("member_ids", json!(["crm-7"])).unwrap(),
            MemberFilter::ExternalIds(texts(&["crm-7"]))
        );
        let mixed = of_members("member_ids", json!([member, "crm-7"])).unwrap_err();
        assert_eq!(mixed.kind, ErrorType::MemberSearchCannotMixIds);
        let live = MemberId::new(Uuid::from_u128(7), EnvironmentKind::Live);
        let foreign = of_members("member_ids", json!([live])).unwrap_err();
        assert_eq!(foreign.kind, ErrorType::LiveIdUsedInTestEnvironment);
    }

    #[test]
    fn both_spellings_of_member_filters_are_taken() {
        let phone = MemberFilter::PhoneNumbers(texts(&["+12025550123"]));
        for name in ["member_mfa_phone_numbers", "member_phone_numbers"] {
            assert_eq!(of_members(name, json!(["+12025550123"])).unwrap(), phone);
        }
        for (names, expected) in [
            (["member_password_exists", "password_exists"], MemberFilter::HasPassword(true)),
            (["member_totp_exists", "totp_exists"], MemberFilter::HasTotp(true)),
        ] {
            for name in names {
                assert_eq!(of_members(name, json!(true)).unwrap(), expected);
            }
        }
        assert_eq!(
            of_members("status", json!("deleted")).unwrap(),
            of_members("statuses", json!(["deleted"])).unwrap()
        );
    }

    #[test]
    fn roles_come_from_assignments_and_domains() {
        let by_domain = vec![DomainRole { organization: acme().id, domain: "acme.example".into() }];
        assert_eq!(
            of_members("member_roles", json!(["editor"])).unwrap(),
            MemberFilter::Roles { direct: texts(&["editor"]), by_domain }
        );
        assert_eq!(
            of_members("member_roles", json!(["auditor"])).unwrap(),
            MemberFilter::Roles { direct: texts(&["auditor"]), by_domain: Vec::new() }
        );
        assert_eq!(
            of_members("member_roles", json!(["auditor", MEMBER_ROLE])).unwrap(),
            MemberFilter::Constant(true)
        );
    }

    #[test]
    fn slugs_of_member_searches_choose_among_the_organizations() {
        let found = MemberFilter::Organizations(vec![acme().id]);
        let nothing = MemberFilter::Organizations(Vec::new());
        assert_eq!(of_members("organization_slug", json!("acme-corp")).unwrap(), found);
        assert_eq!(of_members("organization_slug", json!("acme")).unwrap(), nothing);
        assert_eq!(of_members("organization_slug_fuzzy", json!("CORP")).unwrap(), found);
    }

    #[test]
    fn every_mistake_in_an_organization_search_has_its_error() {
        use ErrorType as E;
        for (name, value, expected) in [
            (json!(null), json!("x"), E::OrganizationSearchMissingFilterName),
            (json!(1), json!("x"), E::OrganizationSearchFilterNameMustBeString),
            (json!("created_at"), json!("x"), E::OrganizationSearchFilterNameNotRecognized),
            (json!("organization_ids"), json!(null), E::OrganizationSearchMissingOrganizationIds),
            (json!("organization_ids"), json!([]), E::OrganizationSearchMissingOrganizationIds),
            (
                json!("has_active_sso_connection"),
                json!(null),
                E::OrganizationSearchMissingHasActiveSsoConnection,
            ),
            (json!("organization_ids"), json!("x"), E::OrganizationSearchExpectedArrayOfStrings),
            (json!("organization_slugs"), json!([1]), E::OrganizationSearchExpectedArrayOfStrings),
            (json!("organization_name_fuzzy"), json!(["abc"]), E::OrganizationSearchExpectedString),
            (json!("sso_connection_id"), json!(true), E::OrganizationSearchExpectedString),
            (json!("has_active_sso_connection"), json!("true"), E::OrganizationSearchExpectedBoolean),
            (json!("organization_name_fuzzy"), json!("ab"), E::OrganizationSearchNameFuzzyTooShort),
            (json!("organization_slug_fuzzy"), json!("ab"), E::OrganizationSearchSlugFuzzyTooShort),
            (json!("member_email_fuzzy"), json!("ab"), E::OrganizationSearchEmailFuzzyTooShort),
            (json!("allowed_domain_fuzzy"), json!(""), E::OrganizationSearchMissingAllowedDomainFuzzy),
            (json!("allowed_domain_fuzzy"), json!("ab"), E::OrganizationSearchDomainFuzzyTooShort),
            (json!("member_emails"), json!(["ada"]), E::InvalidEmail),
            (json!("organization_name_fuzzy"), json!("a".repeat(257)), E::InvalidRequestValue),
            (json!("organization_name_fuzzy"), json!("ab\u{200B}c"), E::ForbiddenCharacterZeroWidthSpace),
        ] {
            let error = organization_filter(Test, &operand(name.clone(), value.clone())).unwrap_err();
            assert_eq!(error.kind, expected, "{name} {value}");
        }
    }

    #[test]
    fn every_mistake_in_a_member_search_has_its_error() {
        use ErrorType as E;
        for (name, value, expected) in [
            (json!(null), json!("x"), E::MemberSearchMissingFilterName),
            (json!(["statuses"]), json!("x"), E::MemberSearchFilterNameMustBeString),
            (json!("statuse"), json!("x"), E::MemberSearchFilterNameNotRecognized),
            (json!("organization_ids"), json!([]), E::MemberSearchFilterNameNotRecognized),
            (json!("statuses"), json!(null), E::MemberSearchMissingStatuses),
            (json!("member_phone_numbers"), json!([]), E::MemberSearchMissingMfaMemberPhoneNumbers),
            (json!("totp_exists"), json!(null), E::MemberSearchMissingTotpExists),
            (json!("member_roles"), json!("editor"), E::MemberSearchExpectedArrayOfStrings),
            (json!("oauth_providers"), json!("google"), E::MemberSearchExpectedArrayOfStrings),
            (json!("member_email_fuzzy"), json!(["abc"]), E::MemberSearchExpectedString),
            (json!("organization_slug"), json!(1), E::MemberSearchExpectedString),
            (json!("member_is_breakglass"), json!("true"), E::MemberSearchExpectedBoolean),
            (json!("member_password_exists"), json!(1), E::MemberSearchExpectedBoolean),
            (json!("member_email_fuzzy"), json!("ab"), E::MemberSearchEmailFuzzyTooShort),
            (json!("member_phone_number_fuzzy"), json!("+1"), E::MemberSearchPhoneFuzzyTooShort),
            (json!("organization_slug_fuzzy"), json!("ac"), E::MemberSearchSlugFuzzyTooShort),
            (json!("statuses"), json!(["active", "gone"]), E::SearchInvalidStatusFilter),
            (json!("status"), json!("gone"), E::SearchInvalidStatusFilter),
            (json!("member_emails"), json!(["ada"]), E::InvalidEmail),
            (json!("member_phone_numbers"), json!(["2025550123"]), E::InvalidPhoneNumber),
        ] {
            let error = member_filter(Test, &[acme()], &operand(name.clone(), value.clone())).unwrap_err();
            assert_eq!(error.kind, expected, "{name} {value}");
        }
    }

    #[test]
    fn queries_have_a_largest_size() {
        let one = operand(json!("member_email_fuzzy"), json!("ada"));
        assert!(check_size(&vec![one.clone(); OPERANDS_MAX]).is_ok());
        assert!(check_size(&vec![one; OPERANDS_MAX + 1]).is_err());
        let many = operand(json!("member_ids"), json!(vec!["x"; 1000]));
        assert!(check_size(&vec![many.clone(); 10]).is_ok());
        assert!(check_size(&vec![many; 11]).is_err());
    }
}
