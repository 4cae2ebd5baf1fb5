//! Listing and ending sessions.

use super::tokens::{self, SessionCredential};
use crate::cx::{Cx, Result};
use crate::ops::lookup;
use ostiary_core::error::ErrorType;
use ostiary_core::ids::{MemberId, OrganizationId, SessionId};
use ostiary_core::member::Member;
use ostiary_core::organization::Organization;
use ostiary_core::session::Session;
use ostiary_proto::hash::sha256;
use ostiary_store::seam::Db;
use ostiary_store::{members, sessions};
use std::sync::Arc;

/// The living sessions of a member, with the member and the organization that they belong to.
pub async fn list(cx: &Cx, organization: &str, member: &str) -> Result<(Organization, Member, Vec<Session>)> {
    let reader = cx.reader();
    let organization = lookup::get_organization(&reader, cx, organization).await?;
    let member = lookup::get_member(&reader, cx, &organization, member).await?;
    let sessions = sessions::list(&reader, cx.scope(), organization.id, member.id, cx.now).await?;
    Ok((organization, member, sessions))
}

/// Which sessions to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// One, by its id.
    Id(String),
    /// One, by a credential.
    Credential(SessionCredential),
    /// All of a member.
    Member(String),
}

impl Revocation {
    /// Exactly one of the arguments of the call must be given.
    pub fn exactly_one(
        id: Option<String>,
        token: Option<String>,
        jwt: Option<String>,
        member: Option<String>,
    ) -> Result<Self> {
        let mut given = [
            id.map(Revocation::Id),
            token.map(|token| Revocation::Credential(SessionCredential::Token(token))),
            jwt.map(|jwt| Revocation::Credential(SessionCredential::Jwt(jwt))),
            member.map(Revocation::Member),
        ]
        .into_iter()
        .flatten();
        match (given.next(), given.next()) {
            (None, _) => Err(ErrorType::NoSessionRevokeArguments.into()),
            (Some(only), None) => Ok(only),
            (Some(_), Some(_)) => Err(ErrorType::TooManySessionRevokeArguments.into()),
        }
    }
}

/// Whose sessions would be ended. Names nobody when the session has ended already.
pub async fn target(cx: &Cx, revocation: &Revocation) -> Result<Option<(MemberId, OrganizationId)>> {
    let reader = cx.reader();
    Ok(match revocation {
        Revocation::Id(id) => sessions::owner(&reader, cx.scope(), parse_session_id(cx, id)?).await?,
        Revocation::Credential(SessionCredential::Token(token)) => {
            sessions::owner_by_token(&reader, cx.scope(), &sha256(token.as_bytes())).await?
        }
        Revocation::Credential(SessionCredential::Jwt(jwt)) => {
            sessions::owner(&reader, cx.scope(), tokens::session_of_jwt(cx, jwt)?).await?
        }
        Revocation::Member(id) => {
            let id = MemberId::parse(id, cx.project.kind()).map_err(|error| error.into_error("member_id"))?;
            let member = members::find_anywhere(&reader, cx.scope(), id).await?;
            let member = member.ok_or(ErrorType::MemberNotFound)?;
            Some((member.id, member.organization_id))
        }
    })
}

/// Ends sessions. Ending one that has ended already succeeds (spec 01b §7, chosen).
pub async fn revoke(cx: &Cx, revocation: Revocation) -> Result<()> {
    if let Revocation::Member(_) = revocation {
        // The member must exist; a session need not.
        target(cx, &revocation).await?;
    }
    cx.write(revocation, revoke_in_transaction).await
}

async fn revoke_in_transaction(tx: Db, cx: Cx, revocation: Arc<Revocation>) -> Result<()> {
    match &*revocation {
        Revocation::Id(id) => {
            sessions::delete(&tx, cx.scope(), parse_session_id(&cx, id)?).await?;
        }
        Revocation::Credential(SessionCredential::Token(token)) => {
            sessions::delete_by_token(&tx, cx.scope(), &sha256(token.as_bytes())).await?;
        }
        Revocation::Credential(SessionCredential::Jwt(jwt)) => {
            sessions::delete(&tx, cx.scope(), tokens::session_of_jwt(&cx, jwt)?).await?;
        }
        Revocation::Member(id) => {
            let id = MemberId::parse(id, cx.project.kind()).map_err(|error| error.into_error("member_id"))?;
            sessions::delete_of_member(&tx, cx.scope(), id).await?;
        }
    }
    Ok(())
}

fn parse_session_id(cx: &Cx, id: &str) -> Result<SessionId> {
    SessionId::parse(id, cx.project.kind()).map_err(|error| error.into_error("member_session_id"))
}
