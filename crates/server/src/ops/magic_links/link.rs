//! Making links: a token of its own, the page that keeps scanners away, and the application's URL behind it.

use crate::cx::{Cx, Result};
use ostiary_core::ids::MemberId;
use ostiary_core::organization::Organization;
use ostiary_core::redirect_url::{self, RedirectUrlError, RedirectUrlType, append_query};
use ostiary_proto::hash::sha256;
use ostiary_store::magic_links::{self, LinkPurpose, MagicLink};
use ostiary_store::seam::Db;

/// The path of the page behind links in mails (spec 01b §1).
pub const HOP_PATH: &str = "/v1/b2b/magic_links/redirect";

/// What a link is to be.
pub struct LinkRequest<'a> {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// The organization; none for discovery.
    pub organization: Option<&'a Organization>,
    /// The member; none for discovery.
    pub member: Option<MemberId>,
    /// Who gets it.
    pub email_address: &'a str,
    /// Which kind of redirect URL it leads to.
    pub url_type: RedirectUrlType,
    /// The redirect URL that the request names.
    pub wished_url: Option<&'a str>,
    /// The PKCE challenge.
    pub pkce_challenge: Option<&'a str>,
    /// For how long it is good, in minutes.
    pub minutes: i64,
}

/// The redirect URL for a request, if the project allows it. A login or signup link may also lead to where people set
/// a new password, since that is how they sign up with one.
pub fn choose_url(
    cx: &Cx,
    wished: Option<&str>,
    kind: RedirectUrlType,
    pkce_challenge: &Option<String>,
) -> Result<String> {
    let project = &cx.project;
    let choose = |kind| {
        redirect_url::choose(
            &project.redirect_urls,
            wished,
            kind,
            project.redirect_rules(),
            pkce_challenge.is_some(),
        )
    };
    let signs_in = matches!(kind, RedirectUrlType::Login | RedirectUrlType::Signup);
    match choose(kind) {
        Err(RedirectUrlError::NoMatch) if signs_in => {
            choose(RedirectUrlType::ResetPassword).map_err(|_| RedirectUrlError::NoMatch)
        }
        chosen => chosen,
    }
    .map_err(|error| error.error_type().into())
}

/// Stores a new link and gives the URL for the mail.
pub async fn issue(tx: &Db, cx: &Cx, request: LinkRequest<'_>) -> Result<String> {
    issue_as(tx, cx, request, None).await
}

/// Like [`issue`], for a link that tells the application which screen it is for, whatever its redirect URL says.
pub async fn issue_as(
    tx: &Db,
    cx: &Cx,
    request: LinkRequest<'_>,
    redirect_type: Option<RedirectType>,
) -> Result<String> {
    let challenge = request.pkce_challenge.map(str::to_owned);
    let chosen_url = choose_url(cx, request.wished_url, request.url_type, &challenge)?;
    let redirect_type = redirect_type.or_else(|| type_of(cx, &chosen_url, request.url_type));
    let public_token = cx.project.public_token().map(|token| token.to_string()).unwrap_or_default();
    let redirect_url = with_type(chosen_url, redirect_type, request.purpose, &public_token);
    let token = cx.new_token();
    let link = MagicLink {
        purpose: request.purpose,
        organization_id: request.organization.map(|organization| organization.id),
        member_id: request.member,
        email_address: request.email_address.to_owned(),
        redirect_url: redirect_url.clone(),
        pkce_challenge: challenge,
        created_at: cx.now,
        expires_at: cx.now.plus_minutes(request.minutes),
        used_at: None,
    };
    magic_links::insert(tx, cx.scope(), &sha256(token.as_bytes()), &link).await?;
    let slug = request.organization.map(|organization| organization.slug.as_str());
    if cx.project.environment.settings.direct_links {
        return Ok(application_url(&redirect_url, request.purpose, &token, slug));
    }
    let hop = format!("{}{HOP_PATH}", cx.app.options.public_url);
    let pairs = [
        ("public_token", public_token.as_str()),
        ("stytch_token_type", token_type(request.purpose)),
        ("token", &token),
    ];
    Ok(append_query(&hop, &pairs))
}

/// Which screen of the application a link is for (`stytch_redirect_type`, contract `frontend.md` §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectType {
    /// Where people sign in.
    Login,
    /// Where people set a new password.
    ResetPassword,
}

/// The parameter follows the type of the redirect URL and not the kind of the mail.
fn type_of(cx: &Cx, url: &str, kind: RedirectUrlType) -> Option<RedirectType> {
    let project = &cx.project;
    let resets = kind == RedirectUrlType::ResetPassword
        || redirect_url::leads_to_password_reset(&project.redirect_urls, url, kind, project.redirect_rules());
    resets.then_some(RedirectType::ResetPassword)
}

/// The redirect URL as it is stored: with the parameters that do not depend on the token.
fn with_type(
    url: String,
    redirect_type: Option<RedirectType>,
    purpose: LinkPurpose,
    public_token: &str,
) -> String {
    let mut pairs = Vec::new();
    match redirect_type {
        Some(RedirectType::Login) => pairs.push(("stytch_redirect_type", "login")),
        Some(RedirectType::ResetPassword) => pairs.push(("stytch_redirect_type", "reset_password")),
        None => {}
    }
    // Password resets only (spec 01b §1, final redirect query).
    if matches!(purpose, LinkPurpose::PasswordReset | LinkPurpose::DiscoveryPasswordReset) {
        pairs.push(("public_token", public_token));
    }
    append_query(&url, &pairs)
}

/// The application's URL with what it needs to authenticate (spec 01b §1, final redirect query).
pub fn application_url(redirect_url: &str, purpose: LinkPurpose, token: &str, slug: Option<&str>) -> String {
    let mut pairs = vec![("stytch_token_type", token_type(purpose)), ("token", token)];
    if let Some(slug) = slug {
        pairs.push(("slug", slug));
    }
    append_query(redirect_url, &pairs)
}

/// The `stytch_token_type` of a link.
pub fn token_type(purpose: LinkPurpose) -> &'static str {
    match purpose {
        LinkPurpose::Organization | LinkPurpose::EmailUpdate => "multi_tenant_magic_links",
        LinkPurpose::PasswordReset => "multi_tenant_passwords",
        LinkPurpose::Discovery | LinkPurpose::DiscoveryPasswordReset => "discovery",
        // It leads to a page of this server (see `ops::unlock`), and no application is handed its token.
        LinkPurpose::Unlock => "unlock",
    }
}
