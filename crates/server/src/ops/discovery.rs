//! Discovery: signing in before an organization is chosen (spec 01b §5).

use crate::cx::{Cx, Result};
use crate::ops::locks::{self, Attempt};
use crate::ops::login::{self, Authenticated, Credentials, Login};
use crate::ops::magic_links::link::{self, LinkRequest};
use crate::ops::magic_links::{
    LOGIN_EXPIRATION_MINUTES_DEFAULT, check_challenge, expiration_minutes, use_link,
};
use crate::ops::mail::{self, Letter, MailWishes};
use crate::ops::sessions::tokens::{self, SessionCredential};
use crate::ops::{codes, lookup, organizations as organization_ops, provisioning};
use ostiary_core::admission;
use ostiary_core::discovery::{DiscoveredOrganization, DomainCandidate, discover};
use ostiary_core::email::{EmailAddress, is_personal_or_edu};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::factor::{Factor, Proof};
use ostiary_core::ids::OrganizationId;
use ostiary_core::member::{Member, MemberStatus};
use ostiary_core::organization::{Organization, OrganizationChange};
use ostiary_core::rbac::ADMIN_ROLE;
use ostiary_core::redirect_url::RedirectUrlType;
use ostiary_core::time::Timestamp;
use ostiary_pages::mail::Template;
use ostiary_store::magic_links::LinkPurpose;
use ostiary_store::seam::Db;
use ostiary_store::{discovery_locks, members, organizations, sessions};
use std::sync::Arc;

/// A wish to be sent a discovery link.
pub struct SendLink {
    /// The address.
    pub email_address: String,
    /// Where the link leads; the project's default when absent.
    pub discovery_redirect_url: Option<String>,
    /// The PKCE challenge.
    pub pkce_challenge: Option<String>,
    /// How the mail is to be.
    pub mail: MailWishes,
    /// For how long the link is good, in minutes.
    pub expiration_minutes: Option<i64>,
}

/// Sends a discovery link to any address; nothing about it is looked up, so nothing about it is revealed.
pub async fn send_link(cx: &Cx, input: SendLink) -> Result<()> {
    check_challenge(input.pkce_challenge.as_deref())?;
    cx.write(input, send_link_in_transaction).await?;
    cx.app.outbox_wake.notify_one();
    Ok(())
}

async fn send_link_in_transaction(tx: Db, cx: Cx, input: Arc<SendLink>) -> Result<()> {
    let email = lookup::email(&input.email_address)?;
    locks::refuse_locked_address(&tx, &cx, email.as_str()).await?;
    let minutes = expiration_minutes(input.expiration_minutes, LOGIN_EXPIRATION_MINUTES_DEFAULT)?;
    let url = link::issue(
        &tx,
        &cx,
        LinkRequest {
            purpose: LinkPurpose::Discovery,
            organization: None,
            member: None,
            email_address: email.as_str(),
            url_type: RedirectUrlType::Discovery,
            wished_url: input.discovery_redirect_url.as_deref(),
            pkce_challenge: input.pkce_challenge.as_deref(),
            minutes,
        },
    )
    .await?;
    let letter = Letter {
        template: Template::DiscoveryLogin,
        wishes: &input.mail,
        to: email.as_str(),
        organization_name: None,
        invited_by_name: None,
        link: Some(&url),
        code: None,
        expires_in_minutes: minutes,
    };
    mail::post(&tx, &cx, letter).await
}

/// A wish to be sent a discovery code.
pub struct SendCode {
    /// The address.
    pub email_address: String,
    /// How the mail is to be.
    pub mail: MailWishes,
    /// For how long the code is good, in minutes.
    pub expiration_minutes: Option<i64>,
}

/// Sends a discovery code to any address.
pub async fn send_code(cx: &Cx, input: SendCode) -> Result<()> {
    cx.write(input, send_code_in_transaction).await?;
    cx.app.outbox_wake.notify_one();
    Ok(())
}

async fn send_code_in_transaction(tx: Db, cx: Cx, input: Arc<SendCode>) -> Result<()> {
    let email = lookup::email(&input.email_address)?;
    locks::refuse_locked_address(&tx, &cx, email.as_str()).await?;
    let minutes = codes::expiration_minutes(input.expiration_minutes)?;
    let code = codes::issue(&tx, &cx, None, email.as_str(), minutes).await?;
    let letter = Letter {
        template: Template::DiscoveryOneTimePasscode,
        wishes: &input.mail,
        to: email.as_str(),
        organization_name: None,
        invited_by_name: None,
        link: None,
        code: Some(&code),
        expires_in_minutes: minutes,
    };
    mail::post(&tx, &cx, letter).await
}

/// A person who has proven an address and may now choose.
pub struct Discovered {
    /// The address.
    pub email_address: String,
    /// The intermediate session and its end; none when the caller came with a full session.
    pub intermediate: Option<(String, Timestamp)>,
    /// Where the person can go.
    pub organizations: Vec<DiscoveredOrganization>,
    /// The organization in which the intermediate session came about.
    pub organization_id_hint: Option<OrganizationId>,
}

/// Uses up a discovery link.
pub async fn authenticate_link(cx: &Cx, token: String, verifier: Option<String>) -> Result<Discovered> {
    cx.write((token, verifier), authenticate_link_in_transaction).await
}

async fn authenticate_link_in_transaction(
    tx: Db,
    cx: Cx,
    input: Arc<(String, Option<String>)>,
) -> Result<Discovered> {
    let link = use_link(&tx, &cx, &input.0, &[LinkPurpose::Discovery], input.1.as_deref()).await?;
    let email = lookup::email(&link.email_address)?;
    locks::refuse_locked_address(&tx, &cx, email.as_str()).await?;
    let proof = Proof::MagicLink { email_id: None, email_address: link.email_address };
    begin(&tx, &cx, &email, Factor::new(proof, cx.now)).await
}

/// Checks a discovery code.
pub async fn authenticate_code(cx: &Cx, email_address: String, code: String) -> Result<Discovered> {
    codes::check_format(&code)?;
    cx.write((email_address, code), authenticate_code_in_transaction).await?.into_result()
}

async fn authenticate_code_in_transaction(
    tx: Db,
    cx: Cx,
    input: Arc<(String, String)>,
) -> Result<Attempt<Discovered>> {
    let email = lookup::email(&input.0)?;
    locks::refuse_locked_address(&tx, &cx, email.as_str()).await?;
    match codes::attempt(&tx, &cx, None, email.as_str(), &input.1).await? {
        Attempt::Refused(error) => locks::refuse_address(&tx, &cx, email.as_str(), error.kind).await,
        Attempt::Passed(()) => {
            discovery_locks::forget(&tx, cx.scope(), email.as_str()).await?;
            let proof = Proof::EmailOtp { email_id: None, email_address: email.as_str().to_owned() };
            Ok(Attempt::Passed(begin(&tx, &cx, &email, Factor::new(proof, cx.now)).await?))
        }
    }
}

/// Begins an intermediate session with a factor of an address, and lists where it leads.
pub(super) async fn begin(tx: &Db, cx: &Cx, email: &EmailAddress, factor: Factor) -> Result<Discovered> {
    let factors = vec![factor];
    let organizations = list_for(tx, cx, email, &factors, true).await?;
    let intermediate = login::create_intermediate(tx, cx, email.as_str(), None, factors).await?;
    Ok(Discovered {
        email_address: email.as_str().to_owned(),
        intermediate: Some(intermediate),
        organizations,
        organization_id_hint: None,
    })
}

async fn list_for(
    db: &Db,
    cx: &Cx,
    email: &EmailAddress,
    factors: &[Factor],
    with_eligible: bool,
) -> Result<Vec<DiscoveredOrganization>> {
    let memberships = members::memberships(db, cx.scope(), email.as_str()).await?;
    let candidates = if with_eligible {
        organizations::list_by_allowed_domain(db, cx.scope(), email.domain())
            .await?
            .into_iter()
            .map(|(organization, has_verified_member_of_domain)| DomainCandidate {
                organization,
                has_verified_member_of_domain,
            })
            .collect()
    } else {
        Vec::new()
    };
    let claimants = organizations::claimants(db, cx.scope(), email.domain()).await?;
    Ok(discover(email, factors, memberships, candidates, |organization| {
        admission::respect_claims(&claimants, Some(organization.id)).is_err()
    }))
}

/// With what a list of organizations is asked for.
pub enum ListCredential {
    /// An intermediate session token.
    Intermediate(String),
    /// A full session.
    Session(SessionCredential),
}

/// Where a person can go: with an intermediate session also organizations to join, with a full session only
/// memberships. Uses nothing up.
pub async fn list(cx: &Cx, credential: ListCredential) -> Result<Discovered> {
    let reader = cx.reader();
    match credential {
        ListCredential::Intermediate(token) => {
            let (_, intermediate) = login::get_intermediate(&reader, cx, &token).await?;
            let email = lookup::email(&intermediate.email_address)?;
            Ok(Discovered {
                organizations: list_for(&reader, cx, &email, &intermediate.factors, true).await?,
                email_address: intermediate.email_address,
                intermediate: None,
                organization_id_hint: intermediate.organization_id,
            })
        }
        ListCredential::Session(credential) => {
            let id = tokens::find_session(&reader, cx, &credential).await?;
            let full = sessions::find_full(&reader, cx.scope(), id, cx.now).await?;
            let full = full.ok_or(ErrorType::SessionNotFound)?;
            // An operator acts in the place of one member, and is not told where else that person is one.
            full.session.refuse_if_immutable()?;
            let email = lookup::email(&full.member.email_address)?;
            Ok(Discovered {
                organizations: list_for(&reader, cx, &email, &full.session.factors, false).await?,
                email_address: full.member.email_address,
                intermediate: None,
                organization_id_hint: None,
            })
        }
    }
}

/// A choice of an organization.
pub struct Exchange {
    /// The organization by any identifier.
    pub organization: String,
    /// The intermediate session and the arguments of the session to be.
    pub credentials: Credentials,
}

/// Enters an organization with an intermediate session: as a member, by accepting an invitation, or by joining.
pub async fn exchange(cx: &Cx, input: Exchange) -> Result<Authenticated> {
    cx.write(input, exchange_in_transaction).await?.complete(cx)
}

fn intermediate_token(credentials: &Credentials) -> Result<&str> {
    let token = credentials.intermediate_session_token.as_deref();
    token.ok_or_else(|| ErrorType::IntermediateSessionNotFound.into())
}

async fn exchange_in_transaction(tx: Db, cx: Cx, input: Arc<Exchange>) -> Result<Login> {
    let token = intermediate_token(&input.credentials)?;
    let (_, intermediate) = login::get_intermediate(&tx, &cx, token).await?;
    let email = lookup::email(&intermediate.email_address)?;
    let organization = lookup::get_organization(&tx, &cx, &input.organization).await?;
    provisioning::respect_claims(&tx, &cx, Some(&organization), &email).await?;
    let known = members::find_by_email(&tx, cx.scope(), organization.id, email.as_str()).await?;
    let member = match known {
        Some(member) => member,
        None => join(&tx, &cx, &organization, &email, &intermediate.factors).await?,
    };
    member.refuse_if_locked(cx.now)?;
    login::finish(&tx, &cx, organization, member, Vec::new(), &input.credentials).await
}

/// Creates the member of someone who joins by email domain. Being discoverable is the condition, as in the list.
async fn join(
    tx: &Db,
    cx: &Cx,
    organization: &Organization,
    email: &EmailAddress,
    factors: &[Factor],
) -> Result<Member> {
    admission::admit_by_email(&organization.settings, email)?;
    let is_proven = factors.iter().any(|factor| factor.verified_email() == Some(email.as_str()));
    let is_listed = list_for(tx, cx, email, factors, true)
        .await?
        .iter()
        .any(|discovered| discovered.organization.id == organization.id);
    if !is_proven || !is_listed {
        return Err(ErrorType::InvalidEmailForJitProvisioning.into());
    }
    let mut member = provisioning::new_member(cx, organization, email, MemberStatus::Pending);
    member.email_verified = true;
    provisioning::insert_member(tx, cx, &mut member, email).await?;
    Ok(member)
}

/// A wish for a new organization.
#[derive(Clone)]
pub struct Create {
    /// Its name, slug and settings; what is absent follows from the address.
    pub organization: OrganizationChange,
    /// The intermediate session and the arguments of the session to be.
    pub credentials: Credentials,
}

/// How often a derived slug is tried with another suffix when it is taken.
const SLUG_TRIES: usize = 5;

/// Creates an organization whose first member and administrator is the person with the intermediate session.
pub async fn create(cx: &Cx, input: Create) -> Result<Authenticated> {
    let slug_is_derived = input.organization.slug.is_none();
    let mut suffix = None;
    for _ in 0..SLUG_TRIES {
        match cx.write((input.clone(), suffix.take()), create_in_transaction).await {
            Err(error) if slug_is_derived && error.kind == ErrorType::OrganizationSlugAlreadyUsed => {
                suffix = Some(organization_ops::random_suffix(cx));
            }
            other => return other?.complete(cx),
        }
    }
    Err(ErrorType::OrganizationSlugAlreadyUsed.into())
}

async fn create_in_transaction(tx: Db, cx: Cx, input: Arc<(Create, Option<String>)>) -> Result<Login> {
    let (create, suffix) = &*input;
    let token = intermediate_token(&create.credentials)?;
    let (_, intermediate) = login::get_intermediate(&tx, &cx, token).await?;
    let email = lookup::email(&intermediate.email_address)?;
    provisioning::respect_claims(&tx, &cx, None, &email).await?;
    // A password of one member is worth nothing outside of its organization.
    if !intermediate.factors.iter().any(Factor::is_transferable) {
        return Err(Error::from(ErrorType::InvalidIntermediateSessionForOrganization));
    }
    let proves = |factor: &Factor| factor.verified_email() == Some(email.as_str());
    let is_proven = intermediate.factors.iter().any(proves);
    let mut change = create.organization.clone();
    change.name.get_or_insert_with(|| default_name(&email));
    let organization = organization_ops::build(&cx, &change, suffix.as_deref())?;
    organizations::insert(&tx, cx.scope(), &organization).await?;
    // Who has not proven the address in this login, but with a password only, does so in the next step: the organization
    // is there already, and waits (spec 01b §5).
    let status = if is_proven { MemberStatus::Active } else { MemberStatus::Pending };
    let mut member = provisioning::new_member(&cx, &organization, &email, status);
    member.email_verified = is_proven;
    member.direct_roles = vec![ADMIN_ROLE.to_owned()];
    provisioning::insert_member(&tx, &cx, &mut member, &email).await?;
    login::finish(&tx, &cx, organization, member, Vec::new(), &create.credentials).await
}

/// The name of an organization whose creator gave none: the domain's, or the local part's where the domain says
/// nothing about the person (spec 01b §5).
fn default_name(email: &EmailAddress) -> String {
    let domain = email.domain();
    let source = if is_personal_or_edu(domain) {
        email.local_part()
    } else {
        domain.split('.').next().unwrap_or(domain)
    };
    let mut characters = source.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => source.to_owned(),
    }
}
