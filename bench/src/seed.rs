//! The data set: 10 000 organizations with ten members each, every member signed in once.

use crate::Failure;
use crate::data::{DataSet, Database, PUBLIC_URL};
use ostiary_core::email::EmailAddress;
use ostiary_core::factor::{Factor, Proof};
use ostiary_core::ids::EnvironmentKind;
use ostiary_core::member::{Member, MemberStatus};
use ostiary_core::organization::{Organization, OrganizationSettings};
use ostiary_core::redirect_url::{RedirectUrl, RedirectUrlType, ValidType};
use ostiary_core::session::Session;
use ostiary_proto::hash::sha256;
use ostiary_server::app::App;
use ostiary_server::cx::Cx;
use ostiary_server::ops::projects::{self, NewProject};
use ostiary_server::ops::sessions::seal_token;
use ostiary_server::run;
use ostiary_store::magic_links::{LinkPurpose, MagicLink};
use ostiary_store::seam::{Db, StoreError};
use ostiary_store::{Scope, magic_links, members, organizations, sessions};
use serde_json::{Map, json};
use std::fs;
use std::sync::Arc;
use tokio::task::JoinSet;

const ORGANIZATIONS: usize = 10_000;
const MEMBERS_EACH: usize = 10;
/// Every member of the first organizations has a link too.
const ORGANIZATIONS_WITH_LINKS: usize = 4_000;
/// Organizations in one transaction.
const BATCH: usize = 50;
/// Transactions at a time, which matters on PostgreSQL only.
const WRITERS: usize = 8;
/// Sessions that are asked for, spread over all organizations: 1 000 by token, 1 000 by signed token.
const ASKED_FOR: usize = 2_000;

const LIFE_MINUTES: i64 = 7 * 24 * 60;
const REDIRECT_URL: &str = "https://app.example.com/authenticate";

/// An organization with all that belongs to it.
struct Seeded {
    organization: Organization,
    members: Vec<SeededMember>,
}

struct SeededMember {
    member: Member,
    session: Session,
    session_token: String,
    token_sealed: Vec<u8>,
    link: Option<(String, MagicLink)>,
}

/// Fills an empty database.
pub async fn seed(database: &Database) -> Result<DataSet, Failure> {
    fs::create_dir_all(&database.directory)?;
    let app = run::open(&database.config()?, PUBLIC_URL.to_owned()).await?;
    let created = projects::create(&app, project()).await.map_err(|error| error.text().to_owned())?;
    let cx = context(&app)?;
    let mut set = DataSet {
        database: database.clone(),
        project_id: created.project_id.to_string(),
        secret: created.secret,
        env: cx.scope().env,
        session_tokens: Vec::new(),
        link_tokens: Vec::new(),
        links_used: 0,
    };
    let every = ORGANIZATIONS * MEMBERS_EACH / ASKED_FOR;
    let mut writing = JoinSet::new();
    for first in (0..ORGANIZATIONS).step_by(BATCH) {
        let batch: Vec<Seeded> = (first..first + BATCH).map(|number| organization(&cx, number)).collect();
        for (number, member) in batch.iter().flat_map(|seeded| &seeded.members).enumerate() {
            if (first * MEMBERS_EACH + number).is_multiple_of(every) {
                set.session_tokens.push(member.session_token.clone());
            }
            set.link_tokens.extend(member.link.as_ref().map(|(token, _)| token.clone()));
        }
        let (store, scope, batch) = (app.store.clone(), cx.scope(), Arc::new(batch));
        writing.spawn(async move { store.write(move |tx| insert(tx, scope, batch.clone())).await });
        if writing.len() >= WRITERS
            && let Some(written) = writing.join_next().await
        {
            written??;
        }
    }
    while let Some(written) = writing.join_next().await {
        written??;
    }
    app.store.close().await;
    set.save()?;
    Ok(set)
}

fn project() -> NewProject {
    let valid_types =
        RedirectUrlType::ALL.iter().map(|kind| ValidType { r#type: *kind, is_default: true }).collect();
    NewProject {
        name: "Bench".to_owned(),
        kind: EnvironmentKind::Live,
        redirect_urls: vec![RedirectUrl { url: REDIRECT_URL.to_owned(), valid_types }],
        secret: None,
    }
}

/// The context in which the server would work on the only project.
pub fn context(app: &Arc<App>) -> Result<Cx, Failure> {
    let project = app.projects.all().into_iter().next().ok_or("the database has no project")?;
    Ok(Cx { app: app.clone(), project, now: app.clock.now(), is_backend: true })
}

fn organization(cx: &Cx, number: usize) -> Seeded {
    let organization = Organization {
        id: cx.new_organization_id(),
        name: format!("Organization {number}"),
        slug: format!("organization-{number}"),
        logo_url: format!("https://app.example.com/logos/{number}.png"),
        external_id: Some(format!("customer-{number}")),
        trusted_metadata: object(json!({"plan": "team", "seats": 25, "region": "eu-central"})),
        settings: OrganizationSettings::default(),
        custom_roles: Vec::new(),
        created_at: cx.now,
        updated_at: cx.now,
        version: 1,
    };
    let members = (0..MEMBERS_EACH).map(|place| member(cx, &organization, number, place)).collect();
    Seeded { organization, members }
}

fn member(cx: &Cx, organization: &Organization, number: usize, place: usize) -> SeededMember {
    let address = format!("member{place}@organization-{number}.example.com");
    let email = EmailAddress::parse(&address).expect("the address is made of plain letters and digits");
    let status = MemberStatus::Active;
    let mut member =
        Member::new(cx.new_member_id(), organization.id, cx.new_email_id(), &email, status, cx.now);
    member.email_verified = true;
    member.name = format!("Member {place} of {number}");
    member.trusted_metadata = object(json!({"department": "engineering", "employee_number": number}));
    member.untrusted_metadata = object(json!({"theme": "dark", "language": "en"}));
    let proof = Proof::MagicLink { email_id: Some(member.email_id), email_address: address.clone() };
    let session = Session {
        id: cx.new_session_id(),
        member_id: member.id,
        organization_id: organization.id,
        factors: vec![Factor::new(proof, cx.now)],
        custom_claims: Map::new(),
        started_at: cx.now,
        last_accessed_at: cx.now,
        expires_at: cx.now.plus_minutes(LIFE_MINUTES),
        version: 1,
    };
    let session_token = cx.new_token();
    let token_sealed = seal_token(cx, session.id, &session_token);
    let link = (number < ORGANIZATIONS_WITH_LINKS).then(|| {
        let link = MagicLink {
            purpose: LinkPurpose::Organization,
            organization_id: Some(organization.id),
            member_id: Some(member.id),
            email_address: address,
            redirect_url: REDIRECT_URL.to_owned(),
            pkce_challenge: None,
            created_at: cx.now,
            expires_at: cx.now.plus_minutes(LIFE_MINUTES),
            used_at: None,
        };
        (cx.new_token(), link)
    });
    SeededMember { member, session, session_token, token_sealed, link }
}

fn object(value: serde_json::Value) -> Map<String, serde_json::Value> {
    match value {
        serde_json::Value::Object(map) => map,
        _ => Map::new(),
    }
}

async fn insert(tx: Db, scope: Scope, batch: Arc<Vec<Seeded>>) -> Result<(), StoreError> {
    for seeded in batch.iter() {
        organizations::insert(&tx, scope, &seeded.organization).await?;
        for one in &seeded.members {
            members::insert(&tx, scope, &one.member).await?;
            let hash = sha256(one.session_token.as_bytes());
            sessions::insert(&tx, scope, &one.session, &hash, &one.token_sealed).await?;
            if let Some((token, link)) = &one.link {
                magic_links::insert(&tx, scope, &sha256(token.as_bytes()), link).await?;
            }
        }
    }
    Ok(())
}
