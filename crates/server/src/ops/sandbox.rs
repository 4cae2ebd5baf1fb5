//! Sandbox values: fixed inputs with fixed answers, for the secret-key API of test environments (spec 01d §5).
//!
//! They touch no data. A live environment and browsers never see them.

use crate::cx::{Cx, Result};
use crate::ops::discovery::Discovered;
use crate::ops::login::Authenticated;
use crate::ops::magic_links::entry::Entry;
use crate::ops::sessions::render::{Rendered, render};
use ostiary_core::email::EmailAddress;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::factor::{Factor, Proof};
use ostiary_core::ids::{EmailId, EnvironmentKind, MemberId, OrganizationId, SessionId};
use ostiary_core::member::{Member, MemberStatus};
use ostiary_core::organization::{Organization, OrganizationSettings};
use ostiary_core::session::{DURATION_MINUTES_DEFAULT, INTERMEDIATE_MINUTES, Session};
use serde_json::Map;
use std::sync::Arc;
use uuid::Uuid;

const ADDRESS: &str = "sandbox@stytch.com";
const ORGANIZATION: &str = "organization-test-007d9d4a-deac-4a87-ba0a-e6e8afba4d4b";
const LINK_THAT_WORKS: &str = "DOYoip3rvIMMW5lgItikFK-Ak1CfMsgjuiCyI7uuU94=";
const LINK_THAT_WAS_USED: &str = "3pzjQpgksDlGKWEwUq2Up--hCHC_0oamfLHyfspKDFU=";
const LINK_THAT_IS_UNKNOWN: &str = "CprTtwhnRNiMBiUS2jSLcWYrfuO2POeBNdo5HhW6qTM=";
const SESSION_THAT_LIVES: &str = "WJtR5BCy38Szd5AfoDpf0iqFKEt4EE5JhjlWUY7l3FtY";
const SESSION_THAT_IS_UNKNOWN: &str = "59cnLELtq5cFVS6uYK9f-pAWzBkhqZl8AvLhbhOvKNWw";
const INTERMEDIATE: &str = "SeiGwdj5lKkrEVgcEY3QNJXt6srxS3IK2Nwkar6mXD4=";

fn applies(cx: &Cx) -> bool {
    cx.is_backend && cx.project.kind() == EnvironmentKind::Test
}

/// Whether a mail to this address is accepted and never sent.
pub fn is_sandbox_address(cx: &Cx, email_address: &str) -> bool {
    applies(cx) && email_address.eq_ignore_ascii_case(ADDRESS)
}

/// The answer to a call that would send something to the sandbox address in the sandbox organization.
pub fn send(cx: &Cx, organization: &str, email_address: &str) -> Option<Entry> {
    let is_sandbox = is_sandbox_address(cx, email_address) && organization == ORGANIZATION;
    let (organization, member) = is_sandbox.then(|| people(cx)).flatten()?;
    Some(Entry { member, organization, member_created: false })
}

/// The answer to a sandbox link.
pub fn authenticate(cx: &Cx, token: &str) -> Result<Option<Authenticated>> {
    if !link_works(cx, token)? {
        return Ok(None);
    }
    let Some((organization, member)) = people(cx) else { return Ok(None) };
    let session = session_of(cx, &organization, &member);
    let rendered = render(cx, &session, &member, &organization, SESSION_THAT_LIVES.to_owned())?;
    Ok(Some(Authenticated { member, organization, result: Ok(rendered) }))
}

/// The answer to any password of the sandbox address in the sandbox organization.
pub fn password(cx: &Cx, organization: &str, email_address: &str) -> Result<Option<Authenticated>> {
    match send(cx, organization, email_address) {
        Some(_) => authenticate(cx, LINK_THAT_WORKS),
        None => Ok(None),
    }
}

/// The answer to a sandbox link of discovery.
pub fn discover(cx: &Cx, token: &str) -> Result<Option<Discovered>> {
    if !link_works(cx, token)? {
        return Ok(None);
    }
    Ok(Some(Discovered {
        email_address: ADDRESS.to_owned(),
        intermediate: Some((INTERMEDIATE.to_owned(), cx.now.plus_minutes(INTERMEDIATE_MINUTES))),
        organizations: Vec::new(),
        organization_id_hint: None,
    }))
}

fn link_works(cx: &Cx, token: &str) -> Result<bool> {
    match token {
        _ if !applies(cx) => Ok(false),
        LINK_THAT_WORKS => Ok(true),
        LINK_THAT_WAS_USED => Err(ErrorType::UnableToAuthMagicLink.into()),
        LINK_THAT_IS_UNKNOWN => Err(ErrorType::MagicLinkNotFound.into()),
        _ => Ok(false),
    }
}

/// The answer to a check of the sandbox session.
pub fn session(cx: &Cx, token: &str) -> Result<Option<Arc<Rendered>>> {
    match token {
        _ if !applies(cx) => Ok(None),
        SESSION_THAT_IS_UNKNOWN => Err(Error::from(ErrorType::SessionNotFound)),
        SESSION_THAT_LIVES => match people(cx) {
            Some((organization, member)) => {
                let session = session_of(cx, &organization, &member);
                render(cx, &session, &member, &organization, token.to_owned()).map(Some)
            }
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

fn people(cx: &Cx) -> Option<(Organization, Member)> {
    let organization_id = OrganizationId::parse(ORGANIZATION, EnvironmentKind::Test).ok()?;
    let id = |number: u128| Uuid::from_u128(organization_id.uuid().as_u128() ^ number);
    let organization = Organization {
        id: organization_id,
        name: "Sandbox".to_owned(),
        slug: "sandbox".to_owned(),
        logo_url: String::new(),
        external_id: None,
        trusted_metadata: Map::new(),
        settings: OrganizationSettings::default(),
        custom_roles: Vec::new(),
        created_at: cx.now,
        updated_at: cx.now,
        version: 1,
    };
    let mut member = Member::new(
        MemberId::new(id(1), EnvironmentKind::Test),
        organization_id,
        EmailId::new(id(2), EnvironmentKind::Test),
        &EmailAddress::parse(ADDRESS)?,
        MemberStatus::Active,
        cx.now,
    );
    member.email_verified = true;
    Some((organization, member))
}

fn session_of(cx: &Cx, organization: &Organization, member: &Member) -> Session {
    let proof =
        Proof::MagicLink { email_id: Some(member.email_id), email_address: member.email_address.clone() };
    Session {
        id: SessionId::new(Uuid::from_u128(member.id.uuid().as_u128() ^ 2), EnvironmentKind::Test),
        member_id: member.id,
        organization_id: organization.id,
        factors: vec![Factor::new(proof, cx.now)],
        custom_claims: Map::new(),
        started_at: cx.now,
        last_accessed_at: cx.now,
        expires_at: cx.now.plus_minutes(DURATION_MINUTES_DEFAULT),
        version: 1,
    }
}
