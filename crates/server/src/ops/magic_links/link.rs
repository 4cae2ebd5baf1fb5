//! Making links: a token of its own, the page that keeps scanners away, and the application's URL behind it.

use crate::cx::{Cx, Result};
use ostiary_core::ids::MemberId;
use ostiary_core::organization::Organization;
use ostiary_core::redirect_url::{self, RedirectUrlType, append_query};
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

/// The redirect URL for a request, if the project allows it.
pub fn choose_url(
    cx: &Cx,
    wished: Option<&str>,
    kind: RedirectUrlType,
    pkce_challenge: &Option<String>,
) -> Result<String> {
    let project = &cx.project;
    redirect_url::choose(
        &project.redirect_urls,
        wished,
        kind,
        project.redirect_rules(),
        pkce_challenge.is_some(),
    )
    .map_err(|error| error.error_type().into())
}

/// Stores a new link and gives the URL for the mail.
pub async fn issue(tx: &Db, cx: &Cx, request: LinkRequest<'_>) -> Result<String> {
    let challenge = request.pkce_challenge.map(str::to_owned);
    let redirect_url = choose_url(cx, request.wished_url, request.url_type, &challenge)?;
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
    let public_token = cx.project.public_token().map(|token| token.to_string()).unwrap_or_default();
    let hop = format!("{}{HOP_PATH}", cx.app.options.public_url);
    let pairs = [
        ("public_token", public_token.as_str()),
        ("stytch_token_type", token_type(request.purpose)),
        ("token", &token),
    ];
    Ok(append_query(&hop, &pairs))
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
        LinkPurpose::Discovery => "discovery",
    }
}
