//! The route table: every endpoint as a row of data.
//!
//! The router, the permission checks, the labels of the metrics and the list of endpoints in the documentation are made
//! from these rows. Both surfaces name the same handler where they do the same.

use crate::cx::Result;
use crate::http::access::Access::{self, Member, OnMember, OnSelf, Open, PerField, Permission, Project};
use crate::http::call::Call;
use crate::http::handlers::{
    discovery, magic_links, member_emails, members, organizations, otp_email, project, rbac, sessions,
};
use crate::http::reply::Reply;
use axum::http::Method;
use ostiary_core::rbac::{MEMBER_RESOURCE, ORGANIZATION_RESOURCE};
use std::pin::Pin;

/// Who calls and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Surface {
    /// The server API: secret key, flat answers.
    Backend,
    /// The browser API: public token, answers in `{data}`, cross-origin.
    Browser,
    /// No credentials; the project is named in the path. Flat answers.
    Public,
}

/// A handler: what a route does.
pub type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Result<Reply>> + Send>>;

/// One endpoint.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{parameters}`.
    pub path: &'static str,
    /// Who calls.
    pub surface: Surface,
    /// What a caller needs beside the credentials of the surface.
    pub access: Access,
    /// What it does.
    pub handler: Handler,
}

macro_rules! routes {
    ($($surface:ident $method:ident $path:literal $access:expr => $($handler:ident)::+;)+) => {
        /// Every endpoint.
        pub static TABLE: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            surface: Surface::$surface,
            access: $access,
            handler: |call| Box::pin($($handler)::+(call)),
        }),+];
    };
}

routes! {
    // Organizations
    Backend POST "/v1/b2b/organizations" Project => organizations::create;
    Backend POST "/v1/b2b/organizations/search" Project => organizations::search;
    Backend GET "/v1/b2b/organizations/{organization_id}" Project => organizations::get;
    Backend PUT "/v1/b2b/organizations/{organization_id}" PerField => organizations::update;
    Backend DELETE "/v1/b2b/organizations/{organization_id}" Permission(ORGANIZATION_RESOURCE, "delete") => organizations::delete;
    Backend DELETE "/v1/b2b/organizations/{organization_id}/external_id" Permission(ORGANIZATION_RESOURCE, "*") => organizations::delete_external_id;
    Backend GET "/v1/b2b/organizations/{organization_id}/metrics" Project => organizations::metrics;
    Browser GET "/sdk/v1/b2b/organizations/me" Member => organizations::get;
    Browser PUT "/sdk/v1/b2b/organizations/me" PerField => organizations::update;
    Browser DELETE "/sdk/v1/b2b/organizations/me" Permission(ORGANIZATION_RESOURCE, "delete") => organizations::delete;
    Browser POST "/sdk/v1/b2b/organizations/search" Project => organizations::find_by_slug;

    // Members
    Backend GET "/v1/b2b/organizations/{organization_id}/member" Project => members::get;
    Backend GET "/v1/b2b/organizations/members/dangerously_get/{member_id}" Project => members::dangerously_get;
    Backend POST "/v1/b2b/organizations/members/search" Permission(MEMBER_RESOURCE, "search") => members::search;
    Backend POST "/v1/b2b/organizations/{organization_id}/members" Permission(MEMBER_RESOURCE, "create") => members::create;
    Backend PUT "/v1/b2b/organizations/{organization_id}/members/{member_id}" PerField => members::update;
    Backend DELETE "/v1/b2b/organizations/{organization_id}/members/{member_id}" OnMember("delete") => members::delete;
    Backend DELETE "/v1/b2b/organizations/{organization_id}/members/{member_id}/external_id" Permission(MEMBER_RESOURCE, "*") => members::delete_external_id;
    Backend PUT "/v1/b2b/organizations/{organization_id}/members/{member_id}/reactivate" Permission(MEMBER_RESOURCE, "create") => members::reactivate;
    Backend POST "/v1/b2b/organizations/{organization_id}/members/{member_id}/start_email_update" OnMember("update.info.email") => member_emails::start_update;
    Backend POST "/v1/b2b/organizations/{organization_id}/members/{member_id}/unlink_retired_email" OnMember("update.info.unlink.retired-email") => member_emails::unlink_retired;
    Browser GET "/sdk/v1/b2b/organizations/members/me" Member => members::me;
    Browser PUT "/sdk/v1/b2b/organizations/members/update" PerField => members::update_self;
    Browser POST "/sdk/v1/b2b/organizations/members" Permission(MEMBER_RESOURCE, "create") => members::create;
    Browser POST "/sdk/v1/b2b/organizations/me/members/search" Permission(MEMBER_RESOURCE, "search") => members::search;
    Browser POST "/sdk/v1/b2b/organizations/members/search" Project => members::find_for_login;
    Browser PUT "/sdk/v1/b2b/organizations/members/{member_id}" PerField => members::update;
    Browser DELETE "/sdk/v1/b2b/organizations/members/{member_id}" OnMember("delete") => members::delete;
    Browser PUT "/sdk/v1/b2b/organizations/members/{member_id}/reactivate" Permission(MEMBER_RESOURCE, "create") => members::reactivate;
    Browser POST "/sdk/v1/b2b/organizations/members/start_email_update" OnSelf("update.info.email") => member_emails::start_update;
    Browser POST "/sdk/v1/b2b/organizations/members/unlink_retired_email" OnSelf("update.info.unlink.retired-email") => member_emails::unlink_retired;
    Browser POST "/sdk/v1/b2b/organizations/members/{member_id}/start_email_update" OnMember("update.info.email") => member_emails::start_update;
    Browser POST "/sdk/v1/b2b/organizations/members/{member_id}/unlink_retired_email" OnMember("update.info.unlink.retired-email") => member_emails::unlink_retired;

    // Magic links
    Backend POST "/v1/b2b/magic_links/email/login_or_signup" Project => magic_links::login_or_signup;
    Backend POST "/v1/b2b/magic_links/email/invite" Permission(MEMBER_RESOURCE, "create") => magic_links::invite;
    Backend POST "/v1/b2b/magic_links/authenticate" Project => magic_links::authenticate;
    Backend POST "/v1/b2b/magic_links/email/discovery/send" Project => discovery::send_link;
    Backend POST "/v1/b2b/magic_links/discovery/authenticate" Project => discovery::authenticate_link;
    Browser POST "/sdk/v1/b2b/magic_links/email/login_or_signup" Project => magic_links::login_or_signup;
    Browser POST "/sdk/v1/b2b/magic_links/email/invite" Permission(MEMBER_RESOURCE, "create") => magic_links::invite;
    Browser POST "/sdk/v1/b2b/magic_links/authenticate" Project => magic_links::authenticate;
    Browser POST "/sdk/v1/b2b/magic_links/email/discovery/send" Project => discovery::send_link;
    Browser POST "/sdk/v1/b2b/magic_links/discovery/authenticate" Project => discovery::authenticate_link;

    // One-time codes by mail
    Backend POST "/v1/b2b/otps/email/login_or_signup" Project => otp_email::login_or_signup;
    Backend POST "/v1/b2b/otps/email/authenticate" Project => otp_email::authenticate;
    Backend POST "/v1/b2b/otps/email/discovery/send" Project => discovery::send_code;
    Backend POST "/v1/b2b/otps/email/discovery/authenticate" Project => discovery::authenticate_code;
    Browser POST "/sdk/v1/b2b/otps/email/login_or_signup" Project => otp_email::login_or_signup;
    Browser POST "/sdk/v1/b2b/otps/email/authenticate" Project => otp_email::authenticate;
    Browser POST "/sdk/v1/b2b/otps/email/discovery/send" Project => discovery::send_code;
    Browser POST "/sdk/v1/b2b/otps/email/discovery/authenticate" Project => discovery::authenticate_code;

    // Discovery
    Backend POST "/v1/b2b/discovery/organizations" Project => discovery::list;
    Backend POST "/v1/b2b/discovery/organizations/create" Project => discovery::create;
    Backend POST "/v1/b2b/discovery/intermediate_sessions/exchange" Project => discovery::exchange;
    Browser POST "/sdk/v1/b2b/discovery/organizations" Project => discovery::list;
    Browser POST "/sdk/v1/b2b/discovery/organizations/create" Project => discovery::create;
    Browser POST "/sdk/v1/b2b/discovery/intermediate_sessions/exchange" Project => discovery::exchange;

    // Sessions
    Backend POST "/v1/b2b/sessions/authenticate" Project => sessions::authenticate;
    Backend GET "/v1/b2b/sessions" Project => sessions::list;
    Backend POST "/v1/b2b/sessions/revoke" PerField => sessions::revoke;
    Backend POST "/v1/b2b/sessions/exchange" Project => sessions::exchange;
    Browser POST "/sdk/v1/b2b/sessions/exchange" Project => sessions::exchange;
    Public GET "/v1/b2b/sessions/jwks/{project_id}" Open => sessions::jwks;
    Browser POST "/sdk/v1/b2b/sessions/authenticate" Project => sessions::refresh;
    Browser POST "/sdk/v1/b2b/sessions/revoke" Project => sessions::revoke_own;
    Browser POST "/sdk/v1/b2b/sessions/revoke/{member_id}" OnMember("revoke-sessions") => sessions::revoke_of_member;

    // The project itself
    Backend GET "/v1/debug/whoami" Project => project::whoami;
    Backend GET "/v1/b2b/rbac/policy" Project => rbac::policy;
    Backend GET "/v1/b2b/rbac/organizations/{organization_id}" Project => rbac::organization_policy;
    Browser GET "/sdk/v1/projects/bootstrap/{public_token}" Project => project::bootstrap;
    Browser GET "/sdk/v1/b2b/admin_portal_config" Member => project::admin_portal_config;
}

/// The path templates by row, for the labels of the metrics.
pub fn labels() -> Vec<(&'static str, &'static str)> {
    TABLE.iter().map(|route| (route.method.as_str(), route.path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_endpoint_stands_twice() {
        let mut seen = HashSet::new();
        for route in TABLE {
            assert!(seen.insert((route.method.as_str(), route.path)), "{} {}", route.method, route.path);
        }
    }

    #[test]
    fn paths_say_which_surface_they_belong_to() {
        for route in TABLE {
            assert_eq!(
                route.path.starts_with("/sdk/v1/"),
                route.surface == Surface::Browser,
                "{}",
                route.path
            );
        }
    }

    /// a route of the browser API that touches members or organizations names what it needs.
    #[test]
    fn browser_routes_without_a_session_are_those_of_signing_in() {
        let without: Vec<_> = TABLE
            .iter()
            .filter(|route| route.surface == Surface::Browser && route.access == Access::Project)
            .map(|route| route.path)
            .collect();
        for path in without {
            let signs_in = ["/magic_links/", "/otps/", "/discovery/", "/sessions/", "/bootstrap/"];
            let looks_up = ["/sdk/v1/b2b/organizations/search", "/sdk/v1/b2b/organizations/members/search"];
            assert!(signs_in.iter().any(|part| path.contains(part)) || looks_up.contains(&path), "{path}");
        }
    }
}
