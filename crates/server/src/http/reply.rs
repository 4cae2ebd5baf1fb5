//! What a handler answers, before it is known how a surface says it.

use crate::cx::{Cx, Result};
use crate::ops::discovery::Discovered;
use crate::ops::login::Authenticated;
use crate::ops::sessions::render::Rendered;
use crate::wire::{Object, WireDiscovered, WireMember, WireMfaRequired, WireOrganization};
use ostiary_core::discovery::Membership;
use ostiary_core::ids::MemberId;
use ostiary_core::member::Member;
use ostiary_core::organization::Organization;
use ostiary_core::rbac::{self, MemberRole};
use std::sync::Arc;

/// What a handler answers. Tokens are kept apart from other fields, since some browsers get them as cookies.
pub struct Reply {
    /// The fields beside tokens.
    pub object: Object,
    /// What becomes of the caller's tokens.
    pub tokens: Tokens,
    /// Whether anybody may keep the answer for a while; only what is public is.
    pub is_cacheable: bool,
}

impl Reply {
    /// An answer with tokens.
    pub fn with_tokens(object: Object, tokens: Tokens) -> Self {
        Reply { object, tokens, is_cacheable: false }
    }

    /// An answer that is a session, and perhaps more.
    pub fn of_session(session: Arc<Rendered>, more: Object) -> Self {
        Reply::with_tokens(more, Tokens::Checked(session))
    }

    /// The same answer, which anybody may keep for a while.
    #[must_use]
    pub fn cacheable(self) -> Self {
        Reply { is_cacheable: true, ..self }
    }
}

/// What becomes of the caller's tokens.
pub enum Tokens {
    /// The answer has nothing to do with them.
    Untouched,
    /// A full session.
    Session(Arc<Rendered>),
    /// A full session that is the answer: its fields stand before those of the object (`sessions/authenticate`).
    Checked(Arc<Rendered>),
    /// A full session in an answer whose form has no intermediate session.
    SessionOnly(Arc<Rendered>),
    /// An intermediate session in place of a full one.
    Intermediate(String),
    /// An intermediate session in an answer whose form has no full session (discovery).
    IntermediateOnly(String),
    /// The session is over.
    SignedOut,
}

impl From<Object> for Reply {
    fn from(object: Object) -> Self {
        Reply::with_tokens(object, Tokens::Untouched)
    }
}

/// The roles of a member as answers show them.
pub fn member_roles(cx: &Cx, member: &Member, organization: &Organization) -> Vec<MemberRole> {
    let mut roles = member.roles(organization);
    rbac::retain_existing(&mut roles, &cx.project.policy_index, &organization.custom_roles);
    roles
}

/// `member_id`, `member` and `organization`, as most calls about members answer.
pub fn member_and_organization(cx: &Cx, member: &Member, organization: &Organization) -> Object {
    let roles = member_roles(cx, member, organization);
    Object::with_capacity(4096)
        .field("member_id", &member.id)
        .field("member", &WireMember { member, roles: &roles, now: cx.now })
        .field("organization", &WireOrganization(organization))
}

/// The answer to a login (spec 01c §3): a session, or what is missing.
pub fn authenticated(cx: &Cx, login: Authenticated, extra: Object) -> Reply {
    let common = Object::with_capacity(8192).extend(&extra).field("organization_id", &login.organization.id);
    match login.result {
        Ok(rendered) => {
            let object = common
                .field("member_authenticated", &true)
                .field("mfa_required", &())
                .field("primary_required", &())
                .field("intermediate_session_token_expires_at", &())
                .field("member_device", &())
                .encoded(rendered.fields());
            Reply::with_tokens(object, Tokens::Session(rendered))
        }
        Err(missing) => {
            let primary = missing.primary_required.as_deref().map(crate::wire::WirePrimaryRequired);
            let mfa = missing
                .mfa_required
                .as_ref()
                .map(|required| WireMfaRequired { required, sms_was_sent: missing.sms_was_sent });
            let object = common
                .field("member_authenticated", &false)
                .field("member_session", &())
                .field("mfa_required", &mfa)
                .field("primary_required", &primary)
                .field("intermediate_session_token_expires_at", &missing.expires_at)
                .field("member_device", &())
                .extend(&member_and_organization(cx, &login.member, &login.organization));
            Reply::with_tokens(object, Tokens::Intermediate(missing.token))
        }
    }
}

/// The answer to what always ends in a full session: a completed second factor (spec 01c §3), a trusted token.
pub fn full_session(session: Arc<Rendered>, extra: Object) -> Reply {
    let object = Object::with_capacity(8192)
        .extend(&extra)
        .field("organization_id", &session.session.organization_id)
        .field("member_device", &())
        .encoded(session.fields());
    Reply::with_tokens(object, Tokens::SessionOnly(session))
}

/// The answer to a discovery login or to a list of organizations.
pub fn discovered(cx: &Cx, found: Discovered) -> Result<Reply> {
    let roles: Vec<Vec<MemberRole>> = found
        .organizations
        .iter()
        .map(|discovered| match &discovered.membership {
            Membership::Member(member) => member_roles(cx, member, &discovered.organization),
            Membership::EligibleByEmailDomain { .. } => Vec::new(),
        })
        .collect();
    let organizations: Vec<WireDiscovered> = found
        .organizations
        .iter()
        .zip(&roles)
        .map(|(discovered, roles)| WireDiscovered { discovered, roles, now: cx.now })
        .collect();
    let object = Object::with_capacity(4096)
        .field("email_address", &found.email_address)
        .field("discovered_organizations", &organizations)
        .field("organization_id_hint", &found.organization_id_hint);
    Ok(match found.intermediate {
        None => object.into(),
        Some((token, expires_at)) => Reply::with_tokens(
            object.field("intermediate_session_token_expires_at", &expires_at),
            Tokens::IntermediateOnly(token),
        ),
    })
}

/// `{member_id}` alone, as deletions answer.
pub fn member_id(id: MemberId) -> Object {
    Object::new().field("member_id", &id)
}
