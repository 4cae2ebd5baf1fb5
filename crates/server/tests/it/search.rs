//! Searching organizations and members.

use crate::callers::{
    Caller, another_project, backend, backend_as, backend_of, browser, browser_as, signed_in, text,
};
use crate::harness::Server;
use crate::on_both_engines;
use ostiary_core::ids::EnvironmentKind;
use serde_json::{Value, json};

const ORGANIZATIONS: &str = "/v1/b2b/organizations/search";
const MEMBERS: &str = "/v1/b2b/organizations/members/search";
const BROWSER: &str = "/sdk/v1/b2b/organizations/me/members/search";

fn operand(name: &str, value: Value) -> Value {
    json!({ "filter_name": name, "filter_value": value })
}

fn query(operator: &str, operands: &[Value]) -> Value {
    json!({ "query": { "operator": operator, "operands": operands } })
}

fn one(name: &str, value: Value) -> Value {
    query("AND", &[operand(name, value)])
}

fn texts(entries: &Value, field: &str) -> Vec<String> {
    entries.as_array().expect("a list").iter().map(|entry| text(&entry[field])).collect()
}

/// The slugs that an organization search finds.
async fn slugs(t: &Server, body: Value) -> Vec<String> {
    let found = backend(t).post(ORGANIZATIONS, body).await.ok();
    let slugs = texts(&found["organizations"], "organization_slug");
    assert_eq!(found["results_metadata"], json!({ "total": slugs.len(), "next_cursor": null }));
    slugs
}

/// The local parts of the addresses that a member search finds.
async fn names(t: &Server, organizations: &[&str], mut body: Value) -> Vec<String> {
    body["organization_ids"] = json!(organizations);
    let found = backend(t).post(MEMBERS, body).await.ok();
    let addresses = texts(&found["members"], "email_address");
    assert_eq!(found["results_metadata"], json!({ "total": addresses.len(), "next_cursor": null }));
    addresses.iter().filter_map(|address| Some(address.split_once('@')?.0.to_owned())).collect()
}

async fn create_organization(t: &Server, body: Value) -> String {
    let created = backend(t).post("/v1/b2b/organizations", body).await.ok();
    text(&created["organization"]["organization_id"])
}

async fn create_member(t: &Server, organization: &str, body: Value) -> String {
    let path = format!("/v1/b2b/organizations/{organization}/members");
    text(&backend(t).post(&path, body).await.ok()["member_id"])
}

on_both_engines! {
    async fn organizations_are_found_by_every_filter(t) {
        let acme = create_organization(&t, json!({
            "organization_name": "Acme 100% Ärzte", "organization_slug": "Acme",
            "organization_external_id": "crm-1", "email_allowed_domains": ["acme.example", "acme.test"],
            "claimed_email_domains": ["acme.example"],
        })).await;
        let globex = create_organization(&t, json!({
            "organization_name": "Globex 100x", "organization_slug": "globex_corp",
            "email_allowed_domains": ["globex.example"],
        })).await;
        let ada = t.member(&acme, "ada@acme.example", json!({})).await;
        t.member(&globex, "bob@globex.example", json!({})).await;
        for (name, value, expected) in [
            ("organization_ids", json!([acme, globex]), &["Acme", "globex_corp"][..]),
            ("organization_ids", json!([globex]), &["globex_corp"]),
            ("organization_ids", json!(["crm-1"]), &["Acme"]),
            ("organization_ids", json!(["crm-2"]), &[]),
            ("organization_slugs", json!(["ACME", "ghost"]), &["Acme"]),
            ("organization_slug_fuzzy", json!("CME"), &["Acme"]),
            ("organization_slug_fuzzy", json!("x_c"), &["globex_corp"]),
            ("organization_slug_fuzzy", json!("___"), &[]),
            ("organization_name_fuzzy", json!("100%"), &["Acme"]),
            ("organization_name_fuzzy", json!("ärz"), &["Acme"]),
            ("organization_name_fuzzy", json!("ÄRZ"), &["Acme"]),
            ("organization_name_fuzzy", json!("%%%"), &[]),
            ("organization_name_fuzzy", json!("' OR 1=1 --"), &[]),
            ("member_emails", json!(["BOB@globex.example"]), &["globex_corp"]),
            ("member_email_fuzzy", json!("@acme"), &["Acme"]),
            ("allowed_domains", json!(["ACME.test"]), &["Acme"]),
            ("allowed_domain_fuzzy", json!(".exa"), &["Acme", "globex_corp"]),
            ("claimed_email_domains", json!(["acme.example"]), &["Acme"]),
            ("claimed_email_domains", json!(["acme.test"]), &[]),
            ("has_active_sso_connection", json!(true), &[]),
            ("has_active_sso_connection", json!(false), &["Acme", "globex_corp"]),
            ("sso_connection_id", json!("saml-connection-test-1"), &[]),
        ] {
            assert_eq!(slugs(&t, one(name, value.clone())).await, expected, "{name} {value}");
        }
        backend(&t).delete(&format!("/v1/b2b/organizations/{acme}/members/{ada}")).await.ok();
        assert!(slugs(&t, one("member_emails", json!(["ada@acme.example"]))).await.is_empty());
    }

    async fn members_are_found_by_every_filter(t) {
        let acme = create_organization(&t, json!({
            "organization_name": "Acme",
            "rbac_email_implicit_role_assignments": [{ "domain": "acme.example", "role_id": "stytch_admin" }],
        })).await;
        let ada = create_member(&t, &acme, json!({
            "email_address": "ada@acme.example", "external_id": "crm-1", "is_breakglass": true,
            "mfa_phone_number": "+12025550123",
        })).await;
        let bob = create_member(&t, &acme, json!({
            "email_address": "bob_x@elsewhere.example", "roles": ["stytch_admin"], "create_member_as_pending": true,
        })).await;
        t.member(&acme, "eve@elsewhere.example", json!({})).await;
        let gone = t.member(&acme, "gone@acme.example", json!({})).await;
        backend(&t).delete(&format!("/v1/b2b/organizations/{acme}/members/{gone}")).await.ok();
        let globex = t.organization("Globex", json!({})).await;
        t.member(&globex, "ada@acme.example", json!({})).await;

        let everyone = &["ada", "bob_x", "eve"][..];
        for (name, value, expected) in [
            ("member_ids", json!([ada, bob]), &["ada", "bob_x"][..]),
            ("member_ids", json!(["crm-1"]), &["ada"]),
            ("member_ids", json!([gone]), &[]),
            ("member_emails", json!(["ADA@acme.example", "ghost@acme.example"]), &["ada"]),
            ("member_emails", json!(["gone@acme.example"]), &[]),
            ("member_email_fuzzy", json!("ELSE"), &["bob_x", "eve"]),
            ("member_email_fuzzy", json!("b_x"), &["bob_x"]),
            ("member_email_fuzzy", json!("a_a"), &[]),
            ("member_is_breakglass", json!(true), &["ada"]),
            ("member_is_breakglass", json!(false), &["bob_x", "eve"]),
            ("statuses", json!(["pending"]), &["bob_x"]),
            ("statuses", json!(["active", "invited"]), &["ada", "eve"]),
            ("statuses", json!(["deleted"]), &["gone"]),
            ("statuses", json!(["deleted", "active"]), &["ada", "eve", "gone"]),
            ("status", json!("deleted"), &["gone"]),
            ("member_mfa_phone_numbers", json!(["+12025550123"]), &["ada"]),
            ("member_phone_number_fuzzy", json!("5550"), &["ada"]),
            ("member_roles", json!(["stytch_admin"]), &["ada", "bob_x"]),
            ("member_roles", json!(["stytch_member"]), everyone),
            ("member_roles", json!(["admin", "stytch", "\"", "%"]), &[]),
            ("member_password_exists", json!(false), everyone),
            ("member_totp_exists", json!(true), &[]),
            ("oauth_providers", json!(["google"]), &[]),
            ("organization_slug", json!("acme"), everyone),
            ("organization_slug", json!("globex"), &[]),
            ("organization_slug_fuzzy", json!("acm"), everyone),
        ] {
            assert_eq!(names(&t, &[&acme], one(name, value.clone())).await, expected, "{name} {value}");
        }
        let operands =
            [operand("statuses", json!(["deleted"])), operand("member_emails", json!(["gone@acme.example"]))];
        assert_eq!(names(&t, &["acme"], query("AND", &operands)).await, ["gone"]);
    }

    async fn operands_are_joined_by_their_operator(t) {
        let acme = t.organization("Acme", json!({})).await;
        for email in ["ada@acme.example", "bob@acme.example", "eve@globex.example"] {
            t.member(&acme, email, json!({})).await;
        }
        let operands = [operand("member_email_fuzzy", json!("acme")), operand("member_email_fuzzy", json!("bob"))];
        assert_eq!(names(&t, &[&acme], query("AND", &operands)).await, ["bob"]);
        assert_eq!(names(&t, &[&acme], query("OR", &operands)).await, ["ada", "bob"]);
        assert_eq!(names(&t, &[&acme], query("OR", &[])).await, ["ada", "bob", "eve"]);
        assert_eq!(names(&t, &[&acme], json!({})).await, ["ada", "bob", "eve"]);
        let operands =
            [operand("organization_name_fuzzy", json!("acm")), operand("organization_slugs", json!(["ghost"]))];
        assert!(slugs(&t, query("AND", &operands)).await.is_empty());
        assert_eq!(slugs(&t, query("OR", &operands)).await, ["acme"]);
    }

    async fn members_of_several_organizations_come_with_them(t) {
        let body = json!({ "organization_name": "Acme", "organization_external_id": "crm-1" });
        let acme = create_organization(&t, body).await;
        let globex = t.organization("Globex", json!({})).await;
        let initech = t.organization("Initech", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        t.member(&globex, "bob@globex.example", json!({})).await;
        let body = json!({ "organization_ids": ["crm-1", "globex", initech, acme] });
        let found = backend(&t).post(MEMBERS, body).await.ok();
        assert_eq!(texts(&found["members"], "email_address"), ["ada@acme.example", "bob@globex.example"]);
        let seen = found["organizations"].as_object().unwrap();
        assert_eq!(seen.len(), 2, "only those of the members on the page");
        assert_eq!(seen[&acme]["organization_name"], "Acme");
        assert_eq!(seen[&globex]["organization_id"], json!(globex));
    }
}

/// All pages of a search, joined.
async fn all_pages(
    caller: &Caller<'_>,
    path: &str,
    list: &str,
    id: &str,
    body: &Value,
    total: usize,
) -> Vec<String> {
    let (mut ids, mut body) = (Vec::new(), body.clone());
    loop {
        let found = caller.post(path, body.clone()).await.ok();
        assert_eq!(found["results_metadata"]["total"], total);
        ids.extend(texts(&found[list], id));
        assert!(ids.len() <= total, "a row came twice");
        match found["results_metadata"]["next_cursor"].as_str() {
            Some(cursor) => body["cursor"] = cursor.into(),
            None => return ids,
        }
    }
}

on_both_engines! {
    async fn pages_hold_every_row_once_in_the_order_of_creation(t) {
        let mut organizations = Vec::new();
        for n in 0..7 {
            organizations.push(t.organization(&format!("Acme {n}"), json!({})).await);
        }
        let mut members = Vec::new();
        for n in 0..7 {
            members.push(t.member(&organizations[n % 2], &format!("m{n}@acme.example"), json!({})).await);
        }
        for limit in [1, 2, 3, 6, 7, 8, 1000] {
            let body = json!({ "limit": limit });
            let found = all_pages(&backend(&t), ORGANIZATIONS, "organizations", "organization_id", &body, 7).await;
            assert_eq!(found, organizations, "{limit}");
            let body = json!({ "limit": limit, "organization_ids": organizations[..2] });
            assert_eq!(all_pages(&backend(&t), MEMBERS, "members", "member_id", &body, 7).await, members, "{limit}");
        }
    }

    async fn rows_added_meanwhile_shift_no_page(t) {
        let acme = t.organization("Acme", json!({})).await;
        let first = t.member(&acme, "ada@acme.example", json!({})).await;
        let second = t.member(&acme, "bob@acme.example", json!({})).await;
        let third = t.member(&acme, "eve@acme.example", json!({})).await;
        let mut body = json!({ "organization_ids": [acme], "limit": 2 });
        let page = backend(&t).post(MEMBERS, body.clone()).await.ok();
        assert_eq!(texts(&page["members"], "member_id"), [first.clone(), second]);
        backend(&t).delete(&format!("/v1/b2b/organizations/{acme}/members/{first}")).await.ok();
        let fourth = t.member(&acme, "zoe@acme.example", json!({})).await;
        body["cursor"] = page["results_metadata"]["next_cursor"].clone();
        let page = backend(&t).post(MEMBERS, body).await.ok();
        assert_eq!(texts(&page["members"], "member_id"), [third, fourth]);
    }

    ///
    async fn a_cursor_works_for_its_own_search_only(t) {
        let acme = t.organization("Acme", json!({})).await;
        let globex = t.organization("Globex", json!({})).await;
        for email in ["ada@acme.example", "bob@acme.example"] {
            t.member(&acme, email, json!({})).await;
            t.member(&globex, email, json!({})).await;
        }
        let search = json!({ "organization_ids": [acme], "limit": 1 });
        let page = backend(&t).post(MEMBERS, search.clone()).await.ok();
        let cursor = text(&page["results_metadata"]["next_cursor"]);
        let refusal = "user_search_invalid_cursor";
        let with_cursor = |body: &Value, cursor: &str| {
            let mut body = body.clone();
            body["cursor"] = cursor.into();
            body
        };
        let other_place = json!({ "organization_ids": [globex], "limit": 1 });
        let mut other_query = one("member_email_fuzzy", json!("acme"));
        other_query["organization_ids"] = json!([acme]);
        for body in [other_place, other_query] {
            backend(&t).post(MEMBERS, with_cursor(&body, &cursor)).await.fails(400, refusal);
        }
        backend(&t).post(ORGANIZATIONS, json!({ "cursor": cursor })).await.fails(400, refusal);

        let other = another_project(&t, EnvironmentKind::Test).await;
        backend_of(&t, &other).post(ORGANIZATIONS, json!({ "cursor": cursor })).await.fails(400, refusal);

        let flipped = if cursor.starts_with('A') { "B" } else { "A" };
        let altered = format!("{flipped}{}", &cursor[1..]);
        for cursor in [altered.as_str(), &cursor[1..], "1", "' OR 1=1 --", "AAAA"] {
            backend(&t).post(MEMBERS, with_cursor(&search, cursor)).await.fails(400, refusal);
        }
        backend(&t).post(MEMBERS, json!({ "organization_ids": [acme], "cursor": 1 })).await.fails(400, refusal);

        // The page size is no part of the search, and a browser of the organization asks the same question.
        let larger = json!({ "organization_ids": [acme], "limit": 50 });
        let page = backend(&t).post(MEMBERS, with_cursor(&larger, &cursor)).await.ok();
        assert_eq!(texts(&page["members"], "email_address"), ["bob@acme.example"]);
        backend(&t).post(MEMBERS, with_cursor(&search, "")).await.ok();
    }

    async fn every_mistake_has_its_error(t) {
        let acme = t.organization("Acme", json!({})).await;
        for (body, expected) in [
            (json!({ "limit": 0 }), "user_search_invalid_limit"),
            (json!({ "limit": 1001 }), "user_search_invalid_limit"),
            (json!({ "limit": "ten" }), "user_search_invalid_limit"),
            (json!({ "query": { "operator": "NOT" } }), "user_search_invalid_operator"),
            (json!({ "query": "all" }), "bad_request"),
            (json!({ "query": { "operands": "all" } }), "bad_request"),
            (one("member_emails", json!(["ada"])), "invalid_email"),
        ] {
            backend(&t).post(ORGANIZATIONS, body.clone()).await.fails(400, expected);
            let mut of_members = body;
            of_members["organization_ids"] = json!([acme]);
            backend(&t).post(MEMBERS, of_members).await.fails(400, expected);
        }
        for (operand, expected) in [
            (json!({ "filter_value": "x" }), "search_missing_filter_name"),
            (json!({ "filter_name": 1, "filter_value": "x" }), "search_filter_name_must_be_string"),
            (json!({ "filter_name": "x", "filter_value": "x" }), "search_filter_name_not_recognized"),
            (json!({ "filter_name": "member_emails" }), "search_missing_filter_value"),
            (operand("member_emails", json!("ada")), "search_expected_array_of_strings"),
            (operand("member_email_fuzzy", json!(["ada"])), "search_expected_string"),
            (operand("member_email_fuzzy", json!("ad")), "search_member_email_fuzzy_too_short"),
        ] {
            let body = query("AND", &[operand]);
            backend(&t).post(ORGANIZATIONS, body.clone()).await.fails(400, &format!("organization_{expected}"));
            let mut of_members = body;
            of_members["organization_ids"] = json!([acme]);
            backend(&t).post(MEMBERS, of_members).await.fails(400, &format!("member_{expected}"));
        }
        for (organizations, status, expected) in [
            (json!(null), 400, "member_search_missing_organization_id"),
            (json!([]), 400, "member_search_organization_ids_empty"),
            (json!(acme), 400, "bad_request"),
            (json!([1]), 400, "bad_request"),
            (json!([acme, "ghost"]), 404, "organization_not_found"),
            (json!([acme.replace("-test-", "-live-")]), 401, "live_id_used_in_test_environment"),
        ] {
            backend(&t).post(MEMBERS, json!({ "organization_ids": organizations })).await.fails(status, expected);
        }
    }

    async fn members_search_their_own_organization_when_a_role_says_so(t) {
        let acme = t.organization("Acme", json!({})).await;
        let globex = t.organization("Globex", json!({})).await;
        t.member(&globex, "bob@globex.example", json!({})).await;
        let admin = signed_in(&t, &acme, "root@acme.example", &["stytch_admin"]).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let own = json!({ "organization_ids": ["acme"] });
        backend_as(&t, &ada).post(MEMBERS, own.clone()).await.fails(403, "session_authorization_error");
        browser_as(&t, &ada).post(BROWSER, json!({})).await.fails(403, "session_authorization_error");
        browser(&t).post(BROWSER, json!({})).await.fails(401, "user_unauthenticated");
        let everyone = ["root@acme.example", "ada@acme.example"];
        let found = backend_as(&t, &admin).post(MEMBERS, own).await.ok();
        assert_eq!(texts(&found["members"], "email_address"), everyone);
        // whatever the body names, a browser sees its own organization.
        let found = browser_as(&t, &admin).post(BROWSER, json!({ "organization_ids": [globex] })).await.ok();
        assert_eq!(texts(&found["members"], "email_address"), everyone);
        assert_eq!(found["results_metadata"]["total"], 2);
        for ids in [json!([globex]), json!([acme, globex]), json!(["ghost"])] {
            let refused = backend_as(&t, &admin).post(MEMBERS, json!({ "organization_ids": ids })).await;
            refused.fails(403, "session_authorization_tenancy_error");
        }
    }

    async fn a_search_sees_nothing_of_other_projects(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let other = another_project(&t, EnvironmentKind::Test).await;
        let caller = backend_of(&t, &other);
        let found = caller.post(ORGANIZATIONS, one("member_emails", json!(["ada@acme.example"]))).await.ok();
        assert_eq!(found["results_metadata"]["total"], 0);
        let found = caller.post(ORGANIZATIONS, json!({})).await.ok();
        assert_eq!(found["organizations"], json!([]));
        let refused = caller.post(MEMBERS, json!({ "organization_ids": [acme] })).await;
        refused.fails(404, "organization_not_found");
    }
}
