//! The route table: every endpoint as a row of data.
//!
//! The router, the permission checks, the labels of the metrics and the list of endpoints in the documentation are made
//! from these rows. Both surfaces name the same handler where they do the same.

use crate::cx::Result;
use crate::http::access::Access::{
    self, Member, OnMember, OnSelf, Open, Operator, OperatorWith, PerField, PerTarget, Permission, Project,
};
use crate::http::call::Call;
use crate::http::cors;
use crate::http::handlers::management::{
    credentials, email_templates, environments, impersonation as impersonations, members as managed_members,
    policy, projects, redirect_urls, settings, trusted_tokens,
};
use crate::http::handlers::{
    discovery, impersonation, m2m, magic_links, member_emails, members, organizations, otp_email, otp_sms,
    passwords, project, rbac, recovery_codes, sessions, totp,
};
use crate::http::operator_call::OperatorCall;
use crate::http::reply::Reply;
use axum::http::Method;
use ostiary_core::project::KeyScope::{
    AdminProjects, ImpersonateMembers, ManageApiKeys, ManageProjectSettings,
};
use ostiary_core::rate_limit::LimitGroup;
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
    /// The management API: the key of an operator, flat answers. The path names the environment.
    Management,
    /// The OAuth endpoints: callers show the credentials of a client, as form or JSON; the project is named in the path
    /// or follows from the client. Flat answers, errors in the words of RFC 6749, any origin.
    OAuth,
}

/// The surface of a path that is not in the table, or not with the method of the request: in whose shape the refusal is.
pub fn surface_of(path: &str) -> Surface {
    let begins = |places: &[&str]| places.iter().any(|place| path.starts_with(place));
    if cors::applies_to(path) {
        Surface::Browser
    } else if begins(&["/v1/public/", "/v1/oauth2/", "/oauth/"]) || path == "/v1/m2m/token" {
        Surface::OAuth
    } else if begins(&["/pwa/", "/web/", "/admin/"]) {
        Surface::Management
    } else {
        Surface::Backend
    }
}

/// What a handler gives.
pub type Answering = Pin<Box<dyn Future<Output = Result<Reply>> + Send>>;

/// A handler: what a route does.
#[derive(Clone, Copy)]
pub enum Handler {
    /// Within one environment.
    Project(fn(Call) -> Answering),
    /// On behalf of an operator, from outside of any environment.
    Operator(fn(OperatorCall) -> Answering),
}

macro_rules! handler {
    (Management, $handler:path) => {
        Handler::Operator(|call| Box::pin($handler(call)))
    };
    ($surface:ident, $handler:path) => {
        Handler::Project(|call| Box::pin($handler(call)))
    };
}

macro_rules! limits {
    () => {
        None
    };
    ($group:ident) => {
        Some(LimitGroup::$group)
    };
}

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
    /// With which other endpoints it is counted towards rate limits; with none when absent.
    pub limits: Option<LimitGroup>,
}

macro_rules! routes {
    ($($surface:ident $method:ident $path:literal $access:expr => $($handler:ident)::+ $(, $group:ident)?;)+) => {
        /// Every endpoint.
        pub static TABLE: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            surface: Surface::$surface,
            access: $access,
            handler: handler!($surface, $($handler)::+),
            limits: limits!($($group)?),
        }),+];
    };
}

routes! {
    // Organizations
    Backend POST "/v1/b2b/organizations" Project => organizations::create;
    Backend POST "/v1/b2b/organizations/search" Project => organizations::search, Searches;
    Backend GET "/v1/b2b/organizations/{organization_id}" Project => organizations::get;
    Backend PUT "/v1/b2b/organizations/{organization_id}" PerField => organizations::update;
    Backend DELETE "/v1/b2b/organizations/{organization_id}" Permission(ORGANIZATION_RESOURCE, "delete") => organizations::delete;
    Backend DELETE "/v1/b2b/organizations/{organization_id}/external_id" Permission(ORGANIZATION_RESOURCE, "*") => organizations::delete_external_id;
    Backend GET "/v1/b2b/organizations/{organization_id}/metrics" Project => organizations::metrics;
    Browser GET "/sdk/v1/b2b/organizations/me" Member => organizations::get;
    Browser PUT "/sdk/v1/b2b/organizations/me" PerField => organizations::update;
    Browser DELETE "/sdk/v1/b2b/organizations/me" Permission(ORGANIZATION_RESOURCE, "delete") => organizations::delete;
    Browser POST "/sdk/v1/b2b/organizations/search" Project => organizations::find_by_slug, Lookups;

    // Members
    Backend GET "/v1/b2b/organizations/{organization_id}/member" Project => members::get;
    Backend GET "/v1/b2b/organizations/members/dangerously_get/{member_id}" Project => members::dangerously_get;
    Backend POST "/v1/b2b/organizations/members/search" Permission(MEMBER_RESOURCE, "search") => members::search, Searches;
    Backend POST "/v1/b2b/organizations/{organization_id}/members" Permission(MEMBER_RESOURCE, "create") => members::create;
    Backend PUT "/v1/b2b/organizations/{organization_id}/members/{member_id}" PerField => members::update;
    Backend DELETE "/v1/b2b/organizations/{organization_id}/members/{member_id}" OnMember("delete") => members::delete;
    Backend DELETE "/v1/b2b/organizations/{organization_id}/members/{member_id}/external_id" Permission(MEMBER_RESOURCE, "*") => members::delete_external_id;
    Backend PUT "/v1/b2b/organizations/{organization_id}/members/{member_id}/reactivate" Permission(MEMBER_RESOURCE, "create") => members::reactivate;
    Backend POST "/v1/b2b/organizations/{organization_id}/members/{member_id}/start_email_update" OnMember("update.info.email") => member_emails::start_update, EmailSends;
    Backend POST "/v1/b2b/organizations/{organization_id}/members/{member_id}/unlink_retired_email" OnMember("update.info.unlink.retired-email") => member_emails::unlink_retired;
    Browser GET "/sdk/v1/b2b/organizations/members/me" Member => members::me;
    Browser PUT "/sdk/v1/b2b/organizations/members/update" PerField => members::update_self;
    Browser POST "/sdk/v1/b2b/organizations/members" Permission(MEMBER_RESOURCE, "create") => members::create;
    Browser POST "/sdk/v1/b2b/organizations/me/members/search" Permission(MEMBER_RESOURCE, "search") => members::search, Searches;
    Browser POST "/sdk/v1/b2b/organizations/members/search" Project => members::find_for_login, Lookups;
    Browser PUT "/sdk/v1/b2b/organizations/members/{member_id}" PerField => members::update;
    Browser DELETE "/sdk/v1/b2b/organizations/members/{member_id}" OnMember("delete") => members::delete;
    Browser PUT "/sdk/v1/b2b/organizations/members/{member_id}/reactivate" Permission(MEMBER_RESOURCE, "create") => members::reactivate;
    Browser POST "/sdk/v1/b2b/organizations/members/start_email_update" OnSelf("update.info.email") => member_emails::start_update, EmailSends;
    Browser POST "/sdk/v1/b2b/organizations/members/unlink_retired_email" OnSelf("update.info.unlink.retired-email") => member_emails::unlink_retired;
    Browser POST "/sdk/v1/b2b/organizations/members/{member_id}/start_email_update" OnMember("update.info.email") => member_emails::start_update, EmailSends;
    Browser POST "/sdk/v1/b2b/organizations/members/{member_id}/unlink_retired_email" OnMember("update.info.unlink.retired-email") => member_emails::unlink_retired;

    // Magic links
    Backend POST "/v1/b2b/magic_links/email/login_or_signup" Project => magic_links::login_or_signup, EmailSends;
    Backend POST "/v1/b2b/magic_links/email/invite" Permission(MEMBER_RESOURCE, "create") => magic_links::invite, EmailSends;
    Backend POST "/v1/b2b/magic_links/authenticate" Project => magic_links::authenticate, Authentications;
    Backend POST "/v1/b2b/magic_links/email/discovery/send" Project => discovery::send_link, EmailSends;
    Backend POST "/v1/b2b/magic_links/discovery/authenticate" Project => discovery::authenticate_link, Authentications;
    Browser POST "/sdk/v1/b2b/magic_links/email/login_or_signup" Project => magic_links::login_or_signup, EmailSends;
    Browser POST "/sdk/v1/b2b/magic_links/email/invite" Permission(MEMBER_RESOURCE, "create") => magic_links::invite, EmailSends;
    Browser POST "/sdk/v1/b2b/magic_links/authenticate" Project => magic_links::authenticate, Authentications;
    Browser POST "/sdk/v1/b2b/magic_links/email/discovery/send" Project => discovery::send_link, EmailSends;
    Browser POST "/sdk/v1/b2b/magic_links/discovery/authenticate" Project => discovery::authenticate_link, Authentications;

    // One-time codes by mail
    Backend POST "/v1/b2b/otps/email/login_or_signup" Project => otp_email::login_or_signup, EmailSends;
    Backend POST "/v1/b2b/otps/email/authenticate" Project => otp_email::authenticate, Authentications;
    Backend POST "/v1/b2b/otps/email/discovery/send" Project => discovery::send_code, EmailSends;
    Backend POST "/v1/b2b/otps/email/discovery/authenticate" Project => discovery::authenticate_code, Authentications;
    Browser POST "/sdk/v1/b2b/otps/email/login_or_signup" Project => otp_email::login_or_signup, EmailSends;
    Browser POST "/sdk/v1/b2b/otps/email/authenticate" Project => otp_email::authenticate, Authentications;
    Browser POST "/sdk/v1/b2b/otps/email/discovery/send" Project => discovery::send_code, EmailSends;
    Browser POST "/sdk/v1/b2b/otps/email/discovery/authenticate" Project => discovery::authenticate_code, Authentications;

    // Second factors
    Backend POST "/v1/b2b/otps/sms/send" Project => otp_sms::send, SmsSends;
    Backend POST "/v1/b2b/otps/sms/authenticate" Project => otp_sms::authenticate, Authentications;
    Backend POST "/v1/b2b/totp" Project => totp::create, Authentications;
    Backend POST "/v1/b2b/totp/authenticate" Project => totp::authenticate, Authentications;
    Backend POST "/v1/b2b/totp/migrate" Project => totp::migrate;
    Backend GET "/v1/b2b/recovery_codes/{organization_id}/{member_id}" Project => recovery_codes::get;
    Backend POST "/v1/b2b/recovery_codes/recover" Project => recovery_codes::recover, Authentications;
    Backend POST "/v1/b2b/recovery_codes/rotate" Project => recovery_codes::rotate;
    Backend DELETE "/v1/b2b/organizations/{organization_id}/members/mfa_phone_numbers/{member_id}" OnMember("update.info.delete.mfa-phone") => otp_sms::delete_phone;
    Backend DELETE "/v1/b2b/organizations/{organization_id}/members/{member_id}/totp" OnMember("update.info.delete.mfa-totp") => totp::delete;
    Browser POST "/sdk/v1/b2b/otps/sms/send" Project => otp_sms::send, SmsSends;
    Browser POST "/sdk/v1/b2b/otps/sms/authenticate" Project => otp_sms::authenticate, Authentications;
    Browser POST "/sdk/v1/b2b/totp" Project => totp::create, Authentications;
    Browser POST "/sdk/v1/b2b/totp/authenticate" Project => totp::authenticate, Authentications;
    Browser GET "/sdk/v1/b2b/recovery_codes" Member => recovery_codes::get;
    Browser POST "/sdk/v1/b2b/recovery_codes/recover" Project => recovery_codes::recover, Authentications;
    Browser POST "/sdk/v1/b2b/recovery_codes/rotate" Member => recovery_codes::rotate;
    Browser DELETE "/sdk/v1/b2b/organizations/members/deletePhoneNumber" OnSelf("update.info.delete.mfa-phone") => otp_sms::delete_own_phone;
    Browser DELETE "/sdk/v1/b2b/organizations/members/mfa_phone_numbers/{member_id}" OnMember("update.info.delete.mfa-phone") => otp_sms::delete_phone;
    Browser DELETE "/sdk/v1/b2b/organizations/members/deleteTOTP" OnSelf("update.info.delete.mfa-totp") => totp::delete_own;
    Browser DELETE "/sdk/v1/b2b/organizations/members/totp/{member_id}" OnMember("update.info.delete.mfa-totp") => totp::delete;

    // Passwords
    Backend POST "/v1/b2b/passwords/strength_check" Project => passwords::strength_check, PasswordChecks;
    Backend POST "/v1/b2b/passwords/authenticate" Project => passwords::authenticate, Authentications;
    Backend POST "/v1/b2b/passwords/email/reset/start" Project => passwords::start_reset, EmailSends;
    Backend POST "/v1/b2b/passwords/email/reset" Project => passwords::reset, Authentications;
    Backend POST "/v1/b2b/passwords/email/require_reset" Permission(MEMBER_RESOURCE, "update.info.delete.password") => passwords::require_reset;
    Backend POST "/v1/b2b/passwords/existing_password/reset" Project => passwords::reset_by_existing, Authentications;
    Backend POST "/v1/b2b/passwords/session/reset" Project => passwords::reset_by_session, Authentications;
    Backend POST "/v1/b2b/passwords/migrate" Project => passwords::migrate, PasswordMigrations;
    Backend POST "/v1/b2b/passwords/discovery/authenticate" Project => passwords::discover, Authentications;
    Backend POST "/v1/b2b/passwords/discovery/email/reset/start" Project => passwords::start_discovery_reset, EmailSends;
    Backend POST "/v1/b2b/passwords/discovery/email/reset" Project => passwords::reset_in_discovery, Authentications;
    Backend DELETE "/v1/b2b/organizations/{organization_id}/members/passwords/{member_password_id}" PerTarget => passwords::delete;
    Browser POST "/sdk/v1/b2b/passwords/strength_check" Project => passwords::strength_check, PasswordChecks;
    Browser POST "/sdk/v1/b2b/passwords/authenticate" Project => passwords::authenticate, Authentications;
    Browser POST "/sdk/v1/b2b/passwords/email/reset/start" Project => passwords::start_reset, EmailSends;
    Browser POST "/sdk/v1/b2b/passwords/email/reset" Project => passwords::reset, Authentications;
    Browser POST "/sdk/v1/b2b/passwords/existing_password/reset" Project => passwords::reset_by_existing, Authentications;
    Browser POST "/sdk/v1/b2b/passwords/session/reset" Project => passwords::reset_by_session, Authentications;
    Browser POST "/sdk/v1/b2b/passwords/discovery/authenticate" Project => passwords::discover, Authentications;
    Browser POST "/sdk/v1/b2b/passwords/discovery/reset/start" Project => passwords::start_discovery_reset, EmailSends;
    Browser POST "/sdk/v1/b2b/passwords/discovery/reset" Project => passwords::reset_in_discovery, Authentications;
    Browser DELETE "/sdk/v1/b2b/organizations/members/passwords/{member_password_id}" PerTarget => passwords::delete;

    // Discovery
    Backend POST "/v1/b2b/discovery/organizations" Project => discovery::list, Authentications;
    Backend POST "/v1/b2b/discovery/organizations/create" Project => discovery::create, OrganizationCreations;
    Backend POST "/v1/b2b/discovery/intermediate_sessions/exchange" Project => discovery::exchange, Authentications;
    Browser POST "/sdk/v1/b2b/discovery/organizations" Project => discovery::list, Authentications;
    Browser POST "/sdk/v1/b2b/discovery/organizations/create" Project => discovery::create, OrganizationCreations;
    Browser POST "/sdk/v1/b2b/discovery/intermediate_sessions/exchange" Project => discovery::exchange, Authentications;

    // Sessions
    Backend POST "/v1/b2b/sessions/authenticate" Project => sessions::authenticate;
    Backend GET "/v1/b2b/sessions" Project => sessions::list;
    Backend POST "/v1/b2b/sessions/revoke" PerTarget => sessions::revoke;
    Backend POST "/v1/b2b/sessions/exchange" Project => sessions::exchange, Authentications;
    Browser POST "/sdk/v1/b2b/sessions/exchange" Project => sessions::exchange, Authentications;
    Backend POST "/v1/b2b/sessions/exchange_access_token" Project => sessions::exchange_access_token, Authentications;
    Browser POST "/sdk/v1/b2b/sessions/exchange_access_token" Project => sessions::exchange_access_token, Authentications;
    Backend POST "/v1/b2b/sessions/attest" Project => sessions::attest, Authentications;
    Browser POST "/sdk/v1/b2b/sessions/attest" Project => sessions::attest, Authentications;
    Backend POST "/v1/b2b/sessions/migrate" Project => sessions::migrate, Authentications;
    Public GET "/v1/b2b/sessions/jwks/{project_id}" Open => sessions::jwks;
    Browser POST "/sdk/v1/b2b/sessions/authenticate" Project => sessions::refresh;
    Browser POST "/sdk/v1/b2b/sessions/revoke" Project => sessions::revoke_own;
    Browser POST "/sdk/v1/b2b/sessions/revoke/{member_id}" OnMember("revoke-sessions") => sessions::revoke_of_member;

    // Impersonation
    Backend POST "/v1/b2b/impersonation/authenticate" Project => impersonation::authenticate, Authentications;
    Browser POST "/sdk/v1/b2b/impersonation/authenticate" Project => impersonation::authenticate, Authentications;

    // Machine-to-machine clients
    Backend POST "/v1/m2m/clients" Project => m2m::create;
    Backend POST "/v1/m2m/clients/search" Project => m2m::search, Searches;
    Backend GET "/v1/m2m/clients/{client_id}" Project => m2m::get;
    Backend PUT "/v1/m2m/clients/{client_id}" Project => m2m::update;
    Backend DELETE "/v1/m2m/clients/{client_id}" Project => m2m::delete;
    Backend POST "/v1/m2m/clients/{client_id}/secrets/rotate/start" Project => m2m::rotate_start;
    Backend POST "/v1/m2m/clients/{client_id}/secrets/rotate/cancel" Project => m2m::rotate_cancel;
    Backend POST "/v1/m2m/clients/{client_id}/secrets/rotate" Project => m2m::rotate_complete;
    OAuth POST "/v1/public/{project_id}/oauth2/token" Open => m2m::token;
    OAuth POST "/v1/oauth2/token" Open => m2m::token;
    OAuth POST "/v1/m2m/token" Open => m2m::token;
    OAuth POST "/oauth/token" Open => m2m::auth0_token;
    OAuth POST "/v1/public/{project_id}/oauth2/introspect" Open => m2m::introspect;
    OAuth POST "/v1/oauth2/introspect" Open => m2m::introspect;

    // The project itself
    Backend GET "/v1/debug/whoami" Project => project::whoami;
    Backend GET "/v1/projects/metrics" Project => project::metrics;
    Backend GET "/v1/b2b/rbac/policy" Project => rbac::policy;
    Backend GET "/v1/b2b/rbac/organizations/{organization_id}" Project => rbac::organization_policy;
    Backend PUT "/v1/b2b/rbac/organizations/{organization_id}" PerField => rbac::set_organization_policy;
    Backend POST "/v1/ostiary/policy/explain" Project => rbac::explain;
    Browser GET "/sdk/v1/projects/bootstrap/{public_token}" Project => project::bootstrap;
    Browser GET "/sdk/v1/b2b/admin_portal_config" Member => project::admin_portal_config;

    // The management API
    Management POST "/pwa/v3/projects" OperatorWith(AdminProjects) => projects::create;
    Management GET "/pwa/v3/projects" Operator => projects::list;
    Management GET "/pwa/v3/projects/{project_slug}" Operator => projects::get;
    Management PATCH "/pwa/v3/projects/{project_slug}" OperatorWith(AdminProjects) => projects::update;
    Management DELETE "/pwa/v3/projects/{project_slug}" OperatorWith(AdminProjects) => projects::delete;
    Management GET "/web/v1/projects" Operator => projects::list_old;
    Management GET "/web/v1/projects/{project_id}" Operator => projects::get_old;
    Management POST "/pwa/v3/projects/{project_slug}/environments" OperatorWith(AdminProjects) => environments::create;
    Management GET "/pwa/v3/projects/{project_slug}/environments" Operator => environments::list;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}" Operator => environments::get;
    Management PATCH "/pwa/v3/projects/{project_slug}/environments/{environment_slug}" OperatorWith(ManageProjectSettings) => environments::update;
    Management DELETE "/pwa/v3/projects/{project_slug}/environments/{environment_slug}" OperatorWith(AdminProjects) => environments::delete;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/metrics" Operator => environments::metrics;
    Management POST "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/secrets" OperatorWith(ManageApiKeys) => credentials::create_secret;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/secrets" Operator => credentials::list_secrets;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/secrets/{secret_id}" Operator => credentials::get_secret;
    Management DELETE "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/secrets/{secret_id}" OperatorWith(ManageApiKeys) => credentials::delete_secret;
    Management POST "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/public_tokens" OperatorWith(ManageApiKeys) => credentials::create_public_token;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/public_tokens" Operator => credentials::list_public_tokens;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/public_tokens/{public_token}" Operator => credentials::get_public_token;
    Management DELETE "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/public_tokens/{public_token}" OperatorWith(ManageApiKeys) => credentials::delete_public_token;
    Management POST "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/redirect_urls" OperatorWith(ManageProjectSettings) => redirect_urls::create;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/redirect_urls" Operator => redirect_urls::get;
    Management PUT "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/redirect_urls" OperatorWith(ManageProjectSettings) => redirect_urls::update;
    Management DELETE "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/redirect_urls" OperatorWith(ManageProjectSettings) => redirect_urls::delete;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/redirect_urls/all" Operator => redirect_urls::list;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/password_strength_config" Operator => settings::get_password_policy;
    Management PUT "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/password_strength_config" OperatorWith(ManageProjectSettings) => settings::set_password_policy;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/rbac_policy" Operator => policy::get;
    Management PUT "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/rbac_policy" OperatorWith(ManageProjectSettings) => policy::set;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/sdk/b2b" Operator => settings::get_sdk;
    Management PUT "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/sdk/b2b" OperatorWith(ManageProjectSettings) => settings::set_sdk;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/sdk/consumer" Operator => settings::get_consumer_sdk;
    Management PUT "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/sdk/consumer" OperatorWith(ManageProjectSettings) => settings::set_consumer_sdk;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/jwt_templates/{jwt_template_type}" Operator => settings::get_template;
    Management PUT "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/jwt_templates/{jwt_template_type}" OperatorWith(ManageProjectSettings) => settings::set_template;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/allowed_country_codes/sms" Operator => settings::get_sms_countries;
    Management POST "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/allowed_country_codes/sms" OperatorWith(ManageProjectSettings) => settings::set_sms_countries;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/allowed_country_codes/whatsapp" Operator => settings::whatsapp_countries;
    Management POST "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/allowed_country_codes/whatsapp" OperatorWith(ManageProjectSettings) => settings::whatsapp_countries;
    Management POST "/pwa/v3/projects/{project_slug}/email_templates" OperatorWith(ManageProjectSettings) => email_templates::create;
    Management GET "/pwa/v3/projects/{project_slug}/email_templates" Operator => email_templates::list;
    Management GET "/pwa/v3/projects/{project_slug}/email_templates/{template_id}" Operator => email_templates::get;
    Management PUT "/pwa/v3/projects/{project_slug}/email_templates/{template_id}" OperatorWith(ManageProjectSettings) => email_templates::update;
    Management DELETE "/pwa/v3/projects/{project_slug}/email_templates/{template_id}" OperatorWith(ManageProjectSettings) => email_templates::delete;
    Management GET "/pwa/v3/projects/{project_slug}/default_email_templates/{template_type}" Operator => email_templates::get_default;
    Management POST "/pwa/v3/projects/{project_slug}/default_email_templates/{template_type}" OperatorWith(ManageProjectSettings) => email_templates::set_default;
    Management DELETE "/pwa/v3/projects/{project_slug}/default_email_templates/{template_type}" OperatorWith(ManageProjectSettings) => email_templates::unset_default;
    Management POST "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/trusted_token_profiles" OperatorWith(ManageProjectSettings) => trusted_tokens::create;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/trusted_token_profiles" Operator => trusted_tokens::list;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/trusted_token_profiles/{profile_id}" Operator => trusted_tokens::get;
    Management PATCH "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/trusted_token_profiles/{profile_id}" OperatorWith(ManageProjectSettings) => trusted_tokens::update;
    Management DELETE "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/trusted_token_profiles/{profile_id}" OperatorWith(ManageProjectSettings) => trusted_tokens::delete;
    Management POST "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/trusted_token_profiles/{profile_id}/keys" OperatorWith(ManageProjectSettings) => trusted_tokens::add_file;
    Management GET "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/trusted_token_profiles/{profile_id}/keys/{pem_file_id}" Operator => trusted_tokens::get_file;
    Management DELETE "/pwa/v3/projects/{project_slug}/environments/{environment_slug}/trusted_token_profiles/{profile_id}/keys/{pem_file_id}" OperatorWith(ManageProjectSettings) => trusted_tokens::delete_file;

    // What operators need beside it
    Management POST "/admin/v1/projects/{project_slug}/email_templates/preview" Operator => email_templates::preview;
    Management POST "/admin/v1/projects/{project_slug}/email_templates/{template_id}/preview" Operator => email_templates::preview_stored;
    Management POST "/admin/v1/projects/{project_slug}/environments/{environment_slug}/email_templates/{template_id}/test" OperatorWith(ManageProjectSettings) => email_templates::try_out;
    Management POST "/admin/v1/projects/{project_slug}/environments/{environment_slug}/members/{member_id}/impersonation_tokens" OperatorWith(ImpersonateMembers) => impersonations::create_token;
    Management GET "/admin/v1/projects/{project_slug}/environments/{environment_slug}/impersonations" Operator => impersonations::list;
    Management GET "/admin/v1/projects/{project_slug}/environments/{environment_slug}/rate_limits" Operator => settings::get_rate_limits;
    Management PUT "/admin/v1/projects/{project_slug}/environments/{environment_slug}/rate_limits" OperatorWith(ManageProjectSettings) => settings::set_rate_limits;
    Management POST "/admin/v1/projects/{project_slug}/environments/{environment_slug}/members/{member_id}/unlock" OperatorWith(ManageProjectSettings) => managed_members::unlock;
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

    /// A request with another method is refused in the shape in which the right one would be answered.
    #[test]
    fn paths_of_oauth_endpoints_are_known_without_the_table() {
        for route in TABLE {
            let surface = if route.surface == Surface::Public { Surface::Backend } else { route.surface };
            assert_eq!(surface_of(route.path), surface, "{}", route.path);
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
            let signs_in = [
                "/magic_links/",
                "/otps/",
                "/passwords/",
                "/totp",
                "/recovery_codes/recover",
                "/discovery/",
                "/sessions/",
                "/bootstrap/",
                "/impersonation/",
            ];
            let looks_up = ["/sdk/v1/b2b/organizations/search", "/sdk/v1/b2b/organizations/members/search"];
            assert!(signs_in.iter().any(|part| path.contains(part)) || looks_up.contains(&path), "{path}");
        }
    }

    /// Spec 01d §4: whoever may call without a session is counted, but for what every page does all the time.
    #[test]
    fn what_strangers_may_call_is_counted() {
        const UNCOUNTED: &[&str] = &[
            "/sdk/v1/b2b/sessions/authenticate",
            "/sdk/v1/b2b/sessions/revoke",
            "/sdk/v1/projects/bootstrap/{public_token}",
        ];
        for route in TABLE {
            if route.surface == Surface::Browser && route.access == Access::Project {
                assert_eq!(route.limits.is_none(), UNCOUNTED.contains(&route.path), "{}", route.path);
            }
        }
    }

    #[test]
    fn session_checks_are_not_counted() {
        let checks = TABLE.iter().filter(|route| route.path.ends_with("/sessions/authenticate"));
        assert!(checks.inspect(|route| assert_eq!(route.limits, None, "{}", route.path)).count() == 2);
    }

    /// An operation that is limited on one surface is limited on the other.
    #[test]
    fn both_surfaces_count_alike() {
        for route in TABLE.iter().filter(|route| route.limits.is_some()) {
            let twin = route.path.replace("/sdk/v1/", "/v1/");
            for other in TABLE.iter().filter(|other| other.path == twin && other.method == route.method) {
                // A backend searches; a form looks up what it needs to go on.
                let looks_up = route.limits == Some(LimitGroup::Lookups);
                assert!(other.limits == route.limits || looks_up, "{}", route.path);
            }
        }
    }
}
