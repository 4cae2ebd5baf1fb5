//! Building the answer for a session: its roles, the signed token, and the JSON of member and organization.

use crate::cx::{Cx, Result};
use crate::wire::{Object, WireMember, WireOrganization, WireSession};
use ostiary_core::error::Error;
use ostiary_core::factor::WireFactor;
use ostiary_core::ids::{OrganizationId, SessionId};
use ostiary_core::member::Member;
use ostiary_core::organization::Organization;
use ostiary_core::rbac::{self, MemberRole, Role};
use ostiary_core::session::{JWT_SECONDS, Session};
use ostiary_core::time::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A session as it is answered, signed and encoded.
#[derive(Debug)]
pub struct Rendered {
    /// When it was signed.
    pub signed_at: Timestamp,
    /// The versions of session, member, organization and project for which it holds.
    pub versions: Versions,
    /// The session.
    pub session: Session,
    /// The roles of the session.
    pub roles: Vec<String>,
    /// The organization's own roles, for authorization checks.
    pub organization_roles: Vec<Role>,
    /// The opaque token.
    pub token: String,
    /// The end of a JSON object: the fields, then `session_token` and, last of all, `session_jwt`.
    answer: String,
    /// How much of it the fields take.
    fields_bytes: usize,
    /// How much of it the signed token takes.
    jwt_bytes: usize,
}

impl Rendered {
    /// `member_id`, `member`, `organization` and `member_session` as members of a JSON object.
    pub fn fields(&self) -> &str {
        &self.answer[..self.fields_bytes]
    }

    /// The signed token.
    pub fn jwt(&self) -> &str {
        let end = self.answer.len() - JWT_END.len();
        &self.answer[end - self.jwt_bytes..end]
    }

    /// The end of the JSON object that answers a session check: the fields, both tokens, and the closing brace.
    pub fn answer(&self) -> &str {
        &self.answer
    }
}

/// What comes after the signed token in an answer.
const JWT_END: &str = "\"}";

/// The versions for which an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Of the session.
    pub session: i64,
    /// Of the member.
    pub member: i64,
    /// Of the organization.
    pub organization: i64,
    /// Of the project environment.
    pub project: i64,
}

/// The roles of a member with their sources, and those that count in a session.
pub fn roles_of(cx: &Cx, member: &Member, organization: &Organization) -> (Vec<MemberRole>, Vec<String>) {
    let mut member_roles = member.roles(organization);
    rbac::retain_existing(&mut member_roles, &cx.project.policy_index, &organization.custom_roles);
    let roles = rbac::session_roles(&member_roles, &[]);
    (member_roles, roles)
}

/// Signs and encodes a session.
pub fn render(
    cx: &Cx,
    session: &Session,
    member: &Member,
    organization: &Organization,
    token: String,
) -> Result<Arc<Rendered>> {
    let (member_roles, roles) = roles_of(cx, member, organization);
    let wire_session = WireSession { session, roles: &roles, organization_slug: &organization.slug };
    let wire_member = WireMember { member, roles: &member_roles, now: cx.now };
    let wire_organization = WireOrganization(organization);
    let templated = templated_claims(cx, &wire_member, &wire_organization, &roles)?;
    let jwt = sign(cx, session, &roles, organization, templated)?;
    let fields = Object::with_capacity(4096)
        .field("member_id", &member.id)
        .field("member_session", &wire_session)
        .field("member", &wire_member)
        .field("organization", &wire_organization);
    let fields_bytes = fields.len();
    let mut answer = fields.plain("session_token", &token).plain("session_jwt", &jwt).into_members();
    answer.push('}');
    answer.shrink_to_fit();
    Ok(Arc::new(Rendered {
        signed_at: cx.now,
        versions: Versions {
            session: session.version,
            member: member.version,
            organization: organization.version,
            project: cx.project.environment.version,
        },
        session: session.clone(),
        roles,
        organization_roles: organization.custom_roles.clone(),
        token,
        answer,
        fields_bytes,
        jwt_bytes: jwt.len(),
    }))
}

/// What the project's claim template says of a member in its organization (spec 05a §6).
fn templated_claims(
    cx: &Cx,
    member: &WireMember<'_>,
    organization: &WireOrganization<'_>,
    roles: &[String],
) -> Result<Map<String, Value>> {
    let template = &cx.project.session_template;
    if template.is_empty() {
        return Ok(Map::new());
    }
    let mut member = serde_json::to_value(member).map_err(Error::internal)?;
    member["rbac"] = json!({ "roles": roles });
    let organization = serde_json::to_value(organization).map_err(Error::internal)?;
    let values = [("member", member), ("organization", organization)];
    Ok(template.render(&values.into_iter().map(|(root, value)| (root.to_owned(), value)).collect()))
}

const SESSION_CLAIM: &str = "https://stytch.com/session";
const ORGANIZATION_CLAIM: &str = "https://stytch.com/organization";
/// Who acts in the member's place (RFC 8693 §4.1); only where somebody does.
const ACTOR_CLAIM: &str = "act";
/// The claims that only the server makes.
const STANDARD_CLAIMS: [&str; 9] =
    ["iss", "sub", "aud", "iat", "nbf", "exp", ACTOR_CLAIM, SESSION_CLAIM, ORGANIZATION_CLAIM];

#[derive(Serialize)]
struct SessionClaim<'a> {
    id: SessionId,
    started_at: Timestamp,
    last_accessed_at: Timestamp,
    expires_at: Timestamp,
    attributes: Attributes,
    authentication_factors: Vec<WireFactor<'a>>,
    roles: &'a [String],
}

/// Always empty, for nothing is recorded (spec 01b §7).
#[derive(Serialize)]
struct Attributes {
    ip_address: &'static str,
    user_agent: &'static str,
}

#[derive(Serialize)]
struct OrganizationClaim<'a> {
    organization_id: OrganizationId,
    slug: &'a str,
}

/// The signed token of a session (spec 01b §7, JWT; contract `backend.md` §4). It never outlives the session.
fn sign(
    cx: &Cx,
    session: &Session,
    roles: &[String],
    organization: &Organization,
    templated: Map<String, Value>,
) -> Result<String> {
    let key = cx
        .project
        .keys
        .signing_key(cx.now)
        .ok_or_else(|| Error::internal("the environment has no signing key"))?;
    let issued_at = cx.now.seconds();
    let expires_at = (issued_at + JWT_SECONDS).min(session.expires_at.seconds());
    // What the application has said of this session stands before what the project's template says of all.
    let mut own = templated;
    own.extend(session.custom_claims.clone());
    // Whatever the application says, what only the server may say holds.
    own.retain(|name, _| !STANDARD_CLAIMS.contains(&name.as_str()));
    let template = cx.project.environment.settings.session_jwt_template.as_ref();
    let mut audiences = vec![cx.project.id().to_string()];
    audiences.extend(template.map(|set| set.custom_audience.clone()).filter(|audience| !audience.is_empty()));
    let session_claim = SessionClaim {
        id: session.id,
        started_at: session.started_at,
        last_accessed_at: session.last_accessed_at,
        expires_at: session.expires_at,
        attributes: Attributes { ip_address: "", user_agent: "" },
        authentication_factors: session.factors.iter().map(WireFactor).collect(),
        roles,
    };
    let organization_claim = OrganizationClaim { organization_id: organization.id, slug: &organization.slug };
    let mut claims = Object::with_capacity(2048).entries(&own);
    if let Some((key, email_address)) = session.impersonator() {
        claims = claims.field(ACTOR_CLAIM, &json!({ "sub": key, "email": email_address }));
    }
    let claims = claims
        .field("iss", &cx.project.issuer)
        .field("sub", &session.member_id)
        .field("aud", &audiences)
        .field("iat", &issued_at)
        .field("nbf", &issued_at)
        .field("exp", &expires_at)
        .field(SESSION_CLAIM, &session_claim)
        .field(ORGANIZATION_CLAIM, &organization_claim)
        .into_json();
    cx.app.metrics.jwt_signed();
    Ok(key.sign(&claims))
}
