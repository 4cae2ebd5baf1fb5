//! Every refusal that the documents name for organizations, members, searches and roles (spec 01a and 03a), each with one
//! request that meets it, its status and its exact name. The variations of each are tested where the capability is.

use crate::callers::{Session, backend_as, browser_as, sign_in, signed_in, text};
use crate::harness::{Answer, Server};
use crate::on_both_engines;
use crate::operators::Operator;
use axum::http::Method;
use ostiary_core::error::ErrorType;
use ostiary_core::project::KeyScope;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const MEMBERS: &str = "/v1/b2b/organizations/acme/members";

/// Names of the documents that this server never answers, each with the reason.
const NEVER: &[(&str, &str)] = &[
    ("inactive_email", "bounces are not reported to the server"),
    ("claimed_email_domains_not_supported", "they are supported in every project"),
    ("cannot_delete_default_sso_connection", "there are no SSO connections"),
    ("cannot_preserve_existing_sessions", "no connection gives roles, so there is nothing to preserve"),
    ("invalid_role_for_vertical", "asked where policies of the management API are tested"),
];

/// The names of spec 01a and 03a, in their order.
const NAMED: &str = "
    member_search_cannot_mix_internal_and_external_member_ids organization_external_id_already_used
    invalid_organization_external_id duplicate_member_external_id invalid_sso_default_connection_id
    cannot_delete_default_sso_connection invalid_oauth_allowed_tenants_format rbac_domain_too_common rbac_invalid_domain
    allowed_auth_methods_required_for_restricted allowed_mfa_methods_required_for_restricted
    invalid_organization_allowed_auth_methods invalid_organization_allowed_mfa_methods
    invalid_organization_auth_factor_setting invalid_organization_auth_factor_setting_for_email_jit_provisioning
    invalid_organization_auth_factor_setting_for_oauth_tenant_jit_provisioning invalid_organization_auth_method_settings
    invalid_organization_mfa_policy invalid_organization_mfa_factor_setting invalid_restricted_email_setting
    invalid_restricted_sso_setting invalid_restricted_oauth_tenants_setting organization_settings_domain_too_common
    organization_settings_disposable_domain organization_settings_invalid_domain organization_settings_duplicate_domain
    organization_settings_claimed_domain_too_common organization_settings_invalid_claimed_domain
    organization_settings_duplicate_claimed_domain too_many_domains claimed_email_domains_not_supported
    action_not_allowed_email_domain_is_claimed organization_name_missing invalid_organization_name
    organization_name_includes_banned_words organization_logo_url_too_long invalid_organization_slug
    organization_slug_already_used cannot_update_trusted_metadata
    organization_search_expected_array_of_strings organization_search_expected_string organization_search_expected_boolean
    organization_search_filter_name_must_be_string organization_search_filter_name_not_recognized
    organization_search_missing_filter_name organization_search_missing_filter_value
    organization_search_missing_organization_ids organization_search_missing_organization_slugs
    organization_search_missing_organization_slug_fuzzy organization_search_missing_organization_name_fuzzy
    organization_search_missing_member_emails organization_search_missing_member_email_fuzzy
    organization_search_missing_allowed_domains organization_search_missing_allowed_domain_fuzzy
    organization_search_missing_claimed_email_domains organization_search_missing_has_active_sso_connection
    organization_search_missing_sso_connection_id
    organization_search_organization_name_fuzzy_too_short organization_search_organization_slug_fuzzy_too_short
    organization_search_member_email_fuzzy_too_short organization_search_allowed_domain_fuzzy_too_short invalid_email
    user_search_invalid_cursor user_search_invalid_limit user_search_invalid_operator
    invalid_role invalid_rbac_role_assignment cannot_assign_default_rbac_role_id metadata_too_many_keys metadata_too_large
    metadata_invalid_format duplicate_member_email retired_member_email desired_email_deactivated_by_different_member
    desired_email_updating_for_different_member inactive_email invalid_member_get_fields
    member_cannot_update_their_email_address cannot_preserve_existing_sessions
    duplicate_member_phone_number_for_member duplicate_member_phone_number default_mfa_member_missing_factor
    invalid_mfa_default_method email_updates_available_only_for_active_members member_has_no_active_verified_email
    unable_to_verify_member_email_update retired_email_missing_email_identifiers
    no_deleted_member_found_for_reactivation email_unverified_for_reactivation reactivation_email_belongs_to_another_member
    member_phone_number_not_found totp_not_found cross_org_passwords_enabled
    member_search_missing_organization_id member_search_organization_ids_empty search_invalid_status_filter
    member_search_expected_array_of_strings member_search_expected_string member_search_expected_boolean
    member_search_filter_name_must_be_string member_search_filter_name_not_recognized member_search_missing_filter_name
    member_search_missing_filter_value member_search_missing_member_ids member_search_missing_member_emails
    member_search_missing_member_email_fuzzy member_search_missing_is_breakglass member_search_missing_statuses
    member_search_missing_status member_search_missing_mfa_member_phone_numbers
    member_search_missing_mfa_member_phone_number_fuzzy member_search_missing_member_roles
    member_search_missing_password_exists member_search_missing_totp_exists member_search_missing_oauth_providers
    member_search_missing_organization_slug member_search_missing_organization_slug_fuzzy
    member_search_member_email_fuzzy_too_short member_search_member_mfa_phone_number_fuzzy_too_short
    member_search_organization_slug_fuzzy_too_short
    empty_rbac_role_id empty_rbac_resource_id empty_rbac_scope invalid_rbac_role_id invalid_rbac_scope
    rbac_role_id_too_long rbac_resource_id_too_long rbac_action_too_long rbac_scope_too_long rbac_description_too_long
    rbac_role_duplicate rbac_resource_duplicate rbac_action_duplicate rbac_scope_duplicate rbac_role_missing_permissions
    rbac_scope_missing_permissions rbac_permission_missing_actions rbac_resource_missing_actions
    invalid_permission_resource invalid_permission_action cannot_specify_wildcard_with_other_actions
    invalid_stytch_prefixed_resource invalid_rbac_stytch_role_edit rbac_reserved_scope
    rbac_cannot_delete_attribute_used_in_org_policy invalid_rbac_custom_role rbac_org_custom_roles_only too_many_roles
    session_authorization_tenancy_error session_authorization_error too_many_session_arguments session_not_found
    user_unauthenticated invalid_role_for_vertical
";

/// What was refused so far.
struct Refusals<'a> {
    server: &'a Server,
    met: BTreeSet<String>,
}

impl Refusals<'_> {
    /// Checks that a call is refused by this name. The status is the catalogue's, which the documents decide.
    #[track_caller]
    fn expect(&mut self, answer: Answer, expected: &str) {
        let kind = ErrorType::parse(expected).unwrap_or_else(|| panic!("{expected} is not in the catalogue"));
        answer.fails(kind.status(), expected);
        self.met.insert(expected.to_owned());
    }

    async fn post(&mut self, path: &str, body: Value, expected: &str) {
        let answer = self.server.post(path, body).await;
        self.expect(answer, expected);
    }

    async fn put(&mut self, path: &str, body: Value, expected: &str) {
        let answer = self.server.put(path, body).await;
        self.expect(answer, expected);
    }

    async fn get(&mut self, path: &str, expected: &str) {
        let answer = self.server.get(path).await;
        self.expect(answer, expected);
    }

    async fn delete(&mut self, path: &str, expected: &str) {
        let answer = self.server.delete(path).await;
        self.expect(answer, expected);
    }
}

/// The people of Acme. Ada administers it and has a session, Bob has everything that can be taken, Cleo is gone and was
/// never proven, Dan is gone and was.
struct Acme {
    ada: Session,
    bob: String,
    cleo: String,
    dan: String,
}

async fn found_acme(t: &Server) -> Acme {
    t.organization("Acme", json!({
        "organization_slug": "acme", "organization_external_id": "crm-acme", "claimed_email_domains": ["acme.example"],
    }))
    .await;
    t.organization("Globex", json!({ "organization_slug": "globex" })).await;
    let ada = signed_in(t, "acme", "ada@acme.example", &["stytch_admin"]).await;
    let bob = json!({ "external_id": "crm-bob", "mfa_phone_number": "+12025550123" });
    let bob = t.member("acme", "bob@acme.example", bob).await;
    t.put(&format!("{MEMBERS}/{bob}"), json!({ "email_address": "bobby@acme.example" })).await.ok();
    let cleo = t.member("acme", "cleo@acme.example", json!({})).await;
    t.delete(&format!("{MEMBERS}/{cleo}")).await.ok();
    let dan = signed_in(t, "acme", "dan@acme.example", &[]).await.member_id;
    t.delete(&format!("{MEMBERS}/{dan}")).await.ok();
    t.member("acme", "dan@acme.example", json!({})).await;
    Acme { ada, bob, cleo, dan }
}

fn metadata(keys: usize) -> Value {
    (0..keys).map(|number| (format!("k{number}"), json!(number))).collect()
}

async fn refuse_organizations(r: &mut Refusals<'_>, acme: &Acme) {
    let assignment = |domain: &str, role: &str| json!({ "rbac_email_implicit_role_assignments": [{ "domain": domain, "role_id": role }] });
    r.server.set(json!({ "organization_name_banned_words": ["Initech", "tax office"] })).await;
    let many: Vec<String> = (0..101).map(|number| format!("d{number}.example")).collect();
    for (body, expected) in [
        (json!({ "organization_name": " " }), "organization_name_missing"),
        (json!({ "organization_name": "x".repeat(129) }), "invalid_organization_name"),
        (json!({ "organization_name": "The INITECH group" }), "organization_name_includes_banned_words"),
        (json!({ "organization_name": "Tax-Office" }), "organization_name_includes_banned_words"),
        (json!({ "organization_slug": "a/b" }), "invalid_organization_slug"),
        (json!({ "organization_slug": "acme" }), "organization_slug_already_used"),
        (
            json!({ "organization_logo_url": format!("https://a.example/{}", "x".repeat(2048)) }),
            "organization_logo_url_too_long",
        ),
        (json!({ "organization_external_id": "a b" }), "invalid_organization_external_id"),
        (json!({ "organization_external_id": "crm-acme" }), "organization_external_id_already_used"),
        (
            json!({ "sso_default_connection_id": "saml-connection-test-1" }),
            "invalid_sso_default_connection_id",
        ),
        (json!({ "allowed_oauth_tenants": { "slack": "T1" } }), "invalid_oauth_allowed_tenants_format"),
        (assignment("gmail.com", "stytch_admin"), "rbac_domain_too_common"),
        (assignment("a b", "stytch_admin"), "rbac_invalid_domain"),
        (assignment("a.example", "ghost"), "invalid_rbac_role_assignment"),
        (assignment("a.example", "stytch_member"), "cannot_assign_default_rbac_role_id"),
        (json!({ "auth_methods": "RESTRICTED" }), "allowed_auth_methods_required_for_restricted"),
        (json!({ "mfa_methods": "RESTRICTED" }), "allowed_mfa_methods_required_for_restricted"),
        (json!({ "allowed_auth_methods": ["pigeon"] }), "invalid_organization_allowed_auth_methods"),
        (json!({ "allowed_mfa_methods": ["pigeon"] }), "invalid_organization_allowed_mfa_methods"),
        (json!({ "email_invites": "SOME" }), "invalid_organization_auth_factor_setting"),
        (
            json!({ "email_jit_provisioning": "ALL_ALLOWED" }),
            "invalid_organization_auth_factor_setting_for_email_jit_provisioning",
        ),
        (
            json!({ "oauth_tenant_jit_provisioning": "ALL_ALLOWED" }),
            "invalid_organization_auth_factor_setting_for_oauth_tenant_jit_provisioning",
        ),
        (json!({ "auth_methods": "SOME" }), "invalid_organization_auth_method_settings"),
        (json!({ "mfa_policy": "SOMETIMES" }), "invalid_organization_mfa_policy"),
        (json!({ "mfa_methods": "SOME" }), "invalid_organization_mfa_factor_setting"),
        (json!({ "email_invites": "RESTRICTED" }), "invalid_restricted_email_setting"),
        (json!({ "sso_jit_provisioning": "RESTRICTED" }), "invalid_restricted_sso_setting"),
        (
            json!({ "oauth_tenant_jit_provisioning": "RESTRICTED" }),
            "invalid_restricted_oauth_tenants_setting",
        ),
        (json!({ "email_allowed_domains": ["outlook.com"] }), "organization_settings_domain_too_common"),
        (json!({ "email_allowed_domains": ["mailinator.com"] }), "organization_settings_disposable_domain"),
        (json!({ "email_allowed_domains": ["a b"] }), "organization_settings_invalid_domain"),
        (
            json!({ "email_allowed_domains": ["a.example", "A.example"] }),
            "organization_settings_duplicate_domain",
        ),
        (json!({ "email_allowed_domains": many }), "too_many_domains"),
        (json!({ "claimed_email_domains": ["yahoo.de"] }), "organization_settings_claimed_domain_too_common"),
        (json!({ "claimed_email_domains": ["a b"] }), "organization_settings_invalid_claimed_domain"),
        (
            json!({ "claimed_email_domains": ["acme.example"] }),
            "organization_settings_duplicate_claimed_domain",
        ),
        (json!({ "trusted_metadata": metadata(21) }), "metadata_too_many_keys"),
        (json!({ "trusted_metadata": { "a": "x".repeat(4096) } }), "metadata_too_large"),
        (json!({ "trusted_metadata": "x" }), "metadata_invalid_format"),
    ] {
        r.put("/v1/b2b/organizations/globex", body, expected).await;
    }
    let body = json!({ "trusted_metadata": {} });
    let refused = backend_as(r.server, &acme.ada).put("/v1/b2b/organizations/acme", body).await;
    r.expect(refused, "cannot_update_trusted_metadata");
}

async fn refuse_members(r: &mut Refusals<'_>, acme: &Acme) {
    let Acme { ada, bob, cleo, dan } = acme;
    let of = |member: &str, call: &str| format!("{MEMBERS}/{member}/{call}");
    for (body, expected) in [
        (json!({ "email_address": "ada" }), "invalid_email"),
        (json!({ "email_address": "ada@acme.example" }), "duplicate_member_email"),
        (json!({ "email_address": "bob@acme.example" }), "retired_member_email"),
        (
            json!({ "email_address": "eve@acme.example", "external_id": "crm-bob" }),
            "duplicate_member_external_id",
        ),
        (
            json!({ "email_address": "eve@acme.example", "mfa_phone_number": "+12025550123" }),
            "duplicate_member_phone_number",
        ),
        (json!({ "email_address": "eve@acme.example", "roles": ["ghost"] }), "invalid_role"),
        (
            json!({ "email_address": "eve@acme.example", "roles": ["stytch_member"] }),
            "cannot_assign_default_rbac_role_id",
        ),
    ] {
        r.post(MEMBERS, body, expected).await;
    }
    let claimed = json!({ "email_address": "eve@acme.example" });
    r.post("/v1/b2b/organizations/globex/members", claimed, "action_not_allowed_email_domain_is_claimed")
        .await;
    r.put(
        &format!("{MEMBERS}/{bob}"),
        json!({ "mfa_phone_number": "+12025550124" }),
        "duplicate_member_phone_number_for_member",
    )
    .await;
    r.put(
        &format!("{MEMBERS}/{bob}"),
        json!({ "default_mfa_method": "totp" }),
        "default_mfa_member_missing_factor",
    )
    .await;
    r.put(
        &format!("{MEMBERS}/{bob}"),
        json!({ "default_mfa_method": "pigeon" }),
        "invalid_mfa_default_method",
    )
    .await;
    let own = format!("{MEMBERS}/{}", ada.member_id);
    let refused = backend_as(r.server, ada).put(&own, json!({ "email_address": "a@b.example" })).await;
    r.expect(refused, "member_cannot_update_their_email_address");
    r.get("/v1/b2b/organizations/acme/member", "invalid_member_get_fields").await;

    let wanted = |email: &str| json!({ "email_address": email });
    let update = of(&ada.member_id, "start_email_update");
    r.post(&update, wanted("bobby@acme.example"), "duplicate_member_email").await;
    r.post(&update, wanted("bob@acme.example"), "desired_email_deactivated_by_different_member").await;
    r.post(&of(bob, "start_email_update"), wanted("new@acme.example"), "member_has_no_active_verified_email")
        .await;
    let eve = json!({ "create_member_as_pending": true });
    let eve = r.server.member("acme", "eve@acme.example", eve).await;
    r.post(
        &of(&eve, "start_email_update"),
        wanted("new@acme.example"),
        "email_updates_available_only_for_active_members",
    )
    .await;
    r.server.post(&update, wanted("new@acme.example")).await.ok();
    let outdated = r.server.last_token("new@acme.example").await;
    r.post(MEMBERS, wanted("new@acme.example"), "desired_email_updating_for_different_member").await;
    r.server.post(&update, wanted("newer@acme.example")).await.ok();
    let outdated = json!({ "magic_links_token": outdated });
    r.post("/v1/b2b/magic_links/authenticate", outdated, "unable_to_verify_member_email_update").await;

    r.post(&of(bob, "unlink_retired_email"), json!({}), "retired_email_missing_email_identifiers").await;
    r.put(&of(bob, "reactivate"), json!({}), "no_deleted_member_found_for_reactivation").await;
    r.put(&of(cleo, "reactivate"), json!({}), "email_unverified_for_reactivation").await;
    r.put(&of(dan, "reactivate"), json!({}), "reactivation_email_belongs_to_another_member").await;
    r.delete(&format!("{MEMBERS}/mfa_phone_numbers/{}", ada.member_id), "member_phone_number_not_found")
        .await;
    r.delete(&of(bob, "totp"), "totp_not_found").await;
    r.server.set(json!({ "cross_org_passwords_enabled": true })).await;
    let password = "member-password-test-00000000-0000-4000-8000-000000000000";
    r.delete(&format!("{MEMBERS}/passwords/{password}"), "cross_org_passwords_enabled").await;
}

async fn refuse_searches(r: &mut Refusals<'_>) {
    let operands = |operand: Value| json!({ "query": { "operator": "AND", "operands": [operand] } });
    let of = |name: &str, value: Value| operands(json!({ "filter_name": name, "filter_value": value }));
    let missing = |kind: &str, pairs: &[(&str, &str)]| -> Vec<(Value, String)> {
        let one = |(name, error): &(&str, &str)| {
            let is_list = of(name, json!([]));
            let empty = if name.contains("fuzzy")
                || ["status", "organization_slug", "sso_connection_id"].contains(name)
            {
                of(name, json!(""))
            } else if error.ends_with("exists") || error.contains("is_") || error.contains("has_") {
                of(name, json!(null))
            } else {
                is_list
            };
            (empty, format!("{kind}_search_missing_{error}"))
        };
        pairs.iter().map(one).collect()
    };
    let common = |kind: &str| -> Vec<(Value, String)> {
        [
            (operands(json!({ "filter_value": "x" })), "missing_filter_name"),
            (operands(json!({ "filter_name": "member_emails" })), "missing_filter_value"),
            (operands(json!({ "filter_name": 7, "filter_value": "x" })), "filter_name_must_be_string"),
            (of("created_at", json!("x")), "filter_name_not_recognized"),
            (of("member_emails", json!("x")), "expected_array_of_strings"),
            (of("member_email_fuzzy", json!(["ada"])), "expected_string"),
            (of("member_email_fuzzy", json!("ab")), "member_email_fuzzy_too_short"),
            (of("organization_slug_fuzzy", json!("ab")), "organization_slug_fuzzy_too_short"),
        ]
        .into_iter()
        .map(|(body, name)| (body, format!("{kind}_search_{name}")))
        .collect()
    };
    let mut table = common("organization");
    table.extend(missing(
        "organization",
        &[
            ("organization_ids", "organization_ids"),
            ("organization_slugs", "organization_slugs"),
            ("organization_slug_fuzzy", "organization_slug_fuzzy"),
            ("organization_name_fuzzy", "organization_name_fuzzy"),
            ("member_emails", "member_emails"),
            ("member_email_fuzzy", "member_email_fuzzy"),
            ("allowed_domains", "allowed_domains"),
            ("allowed_domain_fuzzy", "allowed_domain_fuzzy"),
            ("claimed_email_domains", "claimed_email_domains"),
            ("has_active_sso_connection", "has_active_sso_connection"),
            ("sso_connection_id", "sso_connection_id"),
        ],
    ));
    for (body, expected) in [
        (of("has_active_sso_connection", json!("yes")), "organization_search_expected_boolean"),
        (of("organization_name_fuzzy", json!("ab")), "organization_search_organization_name_fuzzy_too_short"),
        (of("allowed_domain_fuzzy", json!("ab")), "organization_search_allowed_domain_fuzzy_too_short"),
        (json!({ "cursor": "x" }), "user_search_invalid_cursor"),
        (json!({ "limit": 1001 }), "user_search_invalid_limit"),
        (json!({ "query": { "operator": "XOR", "operands": [] } }), "user_search_invalid_operator"),
    ] {
        table.push((body, expected.to_owned()));
    }
    for (body, expected) in table {
        r.post("/v1/b2b/organizations/search", body, &expected).await;
    }

    let mut table = common("member");
    table.extend(missing(
        "member",
        &[
            ("member_ids", "member_ids"),
            ("member_emails", "member_emails"),
            ("member_email_fuzzy", "member_email_fuzzy"),
            ("member_is_breakglass", "is_breakglass"),
            ("statuses", "statuses"),
            ("status", "status"),
            ("member_mfa_phone_numbers", "mfa_member_phone_numbers"),
            ("member_mfa_phone_number_fuzzy", "mfa_member_phone_number_fuzzy"),
            ("member_roles", "member_roles"),
            ("password_exists", "password_exists"),
            ("totp_exists", "totp_exists"),
            ("oauth_providers", "oauth_providers"),
            ("organization_slug", "organization_slug"),
            ("organization_slug_fuzzy", "organization_slug_fuzzy"),
        ],
    ));
    for (body, expected) in [
        (of("member_is_breakglass", json!("yes")), "member_search_expected_boolean"),
        (
            of("member_mfa_phone_number_fuzzy", json!("+1")),
            "member_search_member_mfa_phone_number_fuzzy_too_short",
        ),
        (of("statuses", json!(["gone"])), "search_invalid_status_filter"),
        (
            of("member_ids", json!(["crm-bob", "member-test-00000000-0000-4000-8000-000000000000"])),
            "member_search_cannot_mix_internal_and_external_member_ids",
        ),
    ] {
        table.push((body, expected.to_owned()));
    }
    for (mut body, expected) in table {
        body["organization_ids"] = json!(["acme"]);
        r.post("/v1/b2b/organizations/members/search", body, &expected).await;
    }
    r.post("/v1/b2b/organizations/members/search", json!({}), "member_search_missing_organization_id").await;
    let none = json!({ "organization_ids": [] });
    r.post("/v1/b2b/organizations/members/search", none, "member_search_organization_ids_empty").await;
}

async fn refuse_policies(r: &mut Refusals<'_>) {
    let operator = Operator::new(r.server, KeyScope::ALL).await;
    let place = format!("{}/rbac_policy", operator.own_place("/pwa/v3"));
    let notes = json!({ "resource_id": "notes", "description": "", "available_actions": ["read", "write"] });
    let permission =
        |resource: &str, actions: Value| json!([{ "resource_id": resource, "actions": actions }]);
    let role = |role_id: &str, permissions: Value| json!({ "role_id": role_id, "description": "", "permissions": permissions });
    let scope = |name: &str, permissions: Value| json!({ "scope": name, "description": "", "permissions": permissions });
    let reads = || permission("notes", json!(["read"]));
    let roles = |roles: Value| json!({ "custom_resources": [notes], "custom_roles": roles });
    let scopes = |scopes: Value| json!({ "custom_resources": [notes], "custom_scopes": scopes });
    let resources = |resources: Value| json!({ "custom_resources": resources });
    let resource = |id: &str, actions: Value| json!({ "resource_id": id, "description": "", "available_actions": actions });
    let many: Vec<Value> = (0..501).map(|number| role(&format!("r{number}"), reads())).collect();

    operator.put(&place, roles(json!([role("reader", reads())]))).await.ok();
    let clerk = |permissions: Value| json!({ "org_policy": { "roles": [role("clerk", permissions)] } });
    let own = "/v1/b2b/rbac/organizations/acme";
    r.server.put(own, clerk(permission("notes", json!(["write"])))).await.ok();
    for (policy, expected) in [
        (roles(json!([role("", reads())])), "empty_rbac_role_id"),
        (roles(json!([role("a b", reads())])), "invalid_rbac_role_id"),
        (roles(json!([role(&"x".repeat(129), reads())])), "rbac_role_id_too_long"),
        (
            roles(json!([{ "role_id": "a", "description": "x".repeat(1025), "permissions": reads() }])),
            "rbac_description_too_long",
        ),
        (roles(json!([role("a", reads()), role("a", reads())])), "rbac_role_duplicate"),
        (roles(json!([role("a", json!([]))])), "rbac_role_missing_permissions"),
        (roles(json!([role("a", permission("notes", json!([])))])), "rbac_permission_missing_actions"),
        (roles(json!([role("a", permission("ghost", json!(["read"])))])), "invalid_permission_resource"),
        (roles(json!([role("a", permission("notes", json!(["shred"])))])), "invalid_permission_action"),
        (
            roles(json!([role("a", permission("notes", json!(["*", "read"])))])),
            "cannot_specify_wildcard_with_other_actions",
        ),
        (roles(json!([role("stytch_boss", reads())])), "invalid_rbac_stytch_role_edit"),
        (roles(json!(many)), "too_many_roles"),
        (resources(json!([resource("", json!(["read"]))])), "empty_rbac_resource_id"),
        (resources(json!([resource(&"x".repeat(129), json!(["read"]))])), "rbac_resource_id_too_long"),
        (resources(json!([notes, notes])), "rbac_resource_duplicate"),
        (resources(json!([resource("notes", json!([]))])), "rbac_resource_missing_actions"),
        (resources(json!([resource("notes", json!(["read", "read"]))])), "rbac_action_duplicate"),
        (resources(json!([resource("notes", json!(["x".repeat(129)]))])), "rbac_action_too_long"),
        (resources(json!([resource("stytch.notes", json!(["read"]))])), "invalid_stytch_prefixed_resource"),
        (
            resources(json!([resource("notes", json!(["read"]))])),
            "rbac_cannot_delete_attribute_used_in_org_policy",
        ),
        (scopes(json!([scope("", reads())])), "empty_rbac_scope"),
        (scopes(json!([scope("read notes", reads())])), "invalid_rbac_scope"),
        (scopes(json!([scope(&"x".repeat(129), reads())])), "rbac_scope_too_long"),
        (scopes(json!([scope("read", reads()), scope("read", reads())])), "rbac_scope_duplicate"),
        (scopes(json!([scope("read", json!([]))])), "rbac_scope_missing_permissions"),
        (scopes(json!([scope("openid", reads())])), "rbac_reserved_scope"),
    ] {
        let answer = operator.put(&place, policy).await;
        r.expect(answer, expected);
    }
    r.put(own, json!({ "org_policy": {} }), "invalid_rbac_custom_role").await;
    r.put(
        own,
        json!({ "org_policy": { "roles": [role("stytch_admin", reads())] } }),
        "rbac_org_custom_roles_only",
    )
    .await;
}

async fn refuse_sessions(r: &mut Refusals<'_>, acme: &Acme) {
    let plain = sign_in(r.server, "acme", "bobby@acme.example").await;
    let rename = json!({ "organization_name": "Mine" });
    let refused = backend_as(r.server, &plain).put("/v1/b2b/organizations/acme", rename.clone()).await;
    r.expect(refused, "session_authorization_error");
    let refused = backend_as(r.server, &acme.ada).put("/v1/b2b/organizations/globex", rename.clone()).await;
    r.expect(refused, "session_authorization_tenancy_error");
    let both = [("X-Stytch-Member-Session", plain.token.as_str()), ("X-Stytch-Member-SessionJWT", "x")];
    let path = "/v1/b2b/organizations/acme";
    let refused = r.server.call_as(&r.server.project, Method::PUT, path, Some(rename.clone()), &both).await;
    r.expect(refused, "too_many_session_arguments");
    let ended = Session { token: "garbage".into(), member_id: String::new() };
    let refused = backend_as(r.server, &ended).put(path, rename.clone()).await;
    r.expect(refused, "session_not_found");
    let mut nobody = r.server.browser();
    let refused = nobody.call(Method::PUT, "/sdk/v1/b2b/organizations/me", Some(rename.clone())).await;
    r.expect(refused, "user_unauthenticated");
    let refused = browser_as(r.server, &plain).put("/sdk/v1/b2b/organizations/me", rename).await;
    r.expect(refused, "session_authorization_error");
}

on_both_engines! {
    async fn every_refusal_of_the_documents_is_met(t) {
        let acme = found_acme(&t).await;
        let before = t.get("/v1/b2b/organizations/globex").await.ok()["organization"].clone();
        let mut refusals = Refusals { server: &t, met: BTreeSet::new() };
        refuse_organizations(&mut refusals, &acme).await;
        refuse_searches(&mut refusals).await;
        refuse_policies(&mut refusals).await;
        refuse_members(&mut refusals, &acme).await;
        refuse_sessions(&mut refusals, &acme).await;
        let after = t.get("/v1/b2b/organizations/globex").await.ok()["organization"].clone();
        assert_eq!(text(&after["updated_at"]), text(&before["updated_at"]), "a refusal changes nothing");

        let never: BTreeSet<&str> = NEVER.iter().map(|(name, _)| *name).collect();
        for name in NAMED.split_whitespace() {
            assert!(refusals.met.contains(name) != never.contains(name), "{name} is neither met nor excused, or both");
        }
        for (name, reason) in NEVER {
            assert!(NAMED.split_whitespace().any(|named| named == *name) && !reason.is_empty(), "{name}");
        }
    }
}
