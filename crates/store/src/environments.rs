//! Project environments and what belongs to them as such: secrets, public tokens, redirect URLs, signing keys.
//!
//! The server keeps all of this in memory and reads it again when [`versions`] says that something changed, so
//! these statements are not on the path of requests.

use crate::rows::{Columns, to_json};
use crate::seam::{Db, Row, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::claim_template::JwtTemplate;
use ostiary_core::ids::{EnvironmentKind, KeyId, ProjectId, PublicToken, SecretId};
use ostiary_core::member::LockRules;
use ostiary_core::password::PasswordPolicy;
use ostiary_core::project::Vertical;
use ostiary_core::rate_limit::RateLimits;
use ostiary_core::rbac::Policy;
use ostiary_core::redirect_url::RedirectUrl;
use ostiary_core::sdk_config::BrowserRules;
use ostiary_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What an operator decides about an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EnvironmentSettings {
    /// When members are locked.
    pub lock: LockRules,
    /// The longest session that a call may ask for, in minutes.
    pub session_duration_minutes_max: Option<i64>,
    /// Whether browsers keep tokens in cookies that scripts cannot read.
    pub http_only_cookies: bool,
    /// The parent domain of those cookies; the host itself when absent.
    pub cookie_domain: Option<String>,
    /// Whether a browser may create organizations in discovery.
    pub create_organization_enabled: bool,
    /// Whether browsers must use PKCE for links in mails.
    pub pkce_required_for_email_magic_links: bool,
    /// Whether browsers must use PKCE for password resets.
    pub pkce_required_for_password_resets: bool,
    /// Whether browsers must use PKCE for OAuth.
    pub pkce_required_for_oauth: bool,
    /// Whether browsers must use PKCE for SSO.
    pub pkce_required_for_sso: bool,
    /// Origins whose pages may use the browser API; empty means all.
    pub authorized_origins: Vec<String>,
    /// Whether links in mails lead to the application directly instead of through the page that keeps mail scanners
    /// away.
    pub direct_links: bool,
    /// How the slug of an organization is found in a page's URL, for the pre-built UI.
    pub slug_pattern: Option<String>,
    /// Countries, as ISO codes, whose phone numbers are accepted.
    pub allowed_phone_countries: Vec<String>,
    /// What passwords must be like.
    pub password_strength_config: PasswordPolicy,
    /// Whether a password belongs to an address and counts in every organization, instead of to one member.
    pub cross_org_passwords_enabled: bool,
    /// Words that names of organizations may not have.
    pub organization_name_banned_words: Vec<String>,
    /// Whether members can hand out only roles whose permissions they hold themselves.
    pub grant_only_held_permissions: bool,
    /// Whether permissions that the policy writes for `stytch_member` and `stytch_admin` stand in place of the built-in
    /// ones instead of beside them.
    pub default_roles_as_written: bool,
    /// What browsers may do, beside what the settings above say.
    pub browser: BrowserRules,
    /// The SDK configuration of a CONSUMER project, which is kept and means nothing here.
    pub consumer_sdk_config: Option<serde_json::Value>,
    /// Whether members may unlock themselves by mail.
    pub user_lock_self_serve_enabled: bool,
    /// Whether operators may sign in as members.
    pub user_impersonation_enabled: bool,
    /// The UserInfo endpoint of the system that sessions are taken over from; empty when there is none.
    pub zero_downtime_session_migration_url: String,
    /// Whether links in mails have the project's own host name.
    pub use_custom_domain_in_magic_link_emails: bool,
    /// The page of the application where members consent to Connected Apps; empty when there is none.
    pub idp_authorization_url: String,
    /// Whether Connected Apps may register themselves.
    pub idp_dynamic_client_registration_enabled: bool,
    /// The claim template of Connected Apps that registered themselves.
    pub idp_dynamic_client_registration_access_token_template_content: String,
    /// What is added to session tokens.
    pub session_jwt_template: Option<JwtTemplate>,
    /// What is added to the tokens of M2M clients.
    pub m2m_jwt_template: Option<JwtTemplate>,
    /// The most M2M clients; any number when absent.
    pub m2m_clients_max: Option<i64>,
    /// Whether `/oauth/token` is a token endpoint too, for callers that come from Auth0.
    pub m2m_auth0_token_path: bool,
    /// How often something may be asked for.
    pub rate_limits: RateLimits,
}

impl Default for EnvironmentSettings {
    fn default() -> Self {
        EnvironmentSettings {
            lock: LockRules::default(),
            session_duration_minutes_max: None,
            http_only_cookies: false,
            cookie_domain: None,
            create_organization_enabled: true,
            pkce_required_for_email_magic_links: true,
            pkce_required_for_password_resets: true,
            pkce_required_for_oauth: true,
            pkce_required_for_sso: true,
            authorized_origins: Vec::new(),
            direct_links: false,
            slug_pattern: None,
            allowed_phone_countries: vec!["US".into(), "CA".into()],
            password_strength_config: PasswordPolicy::default(),
            cross_org_passwords_enabled: false,
            organization_name_banned_words: Vec::new(),
            grant_only_held_permissions: false,
            default_roles_as_written: false,
            browser: BrowserRules::default(),
            consumer_sdk_config: None,
            user_lock_self_serve_enabled: false,
            user_impersonation_enabled: false,
            zero_downtime_session_migration_url: String::new(),
            use_custom_domain_in_magic_link_emails: false,
            idp_authorization_url: String::new(),
            idp_dynamic_client_registration_enabled: false,
            idp_dynamic_client_registration_access_token_template_content: String::new(),
            session_jwt_template: None,
            m2m_jwt_template: None,
            m2m_clients_max: None,
            m2m_auth0_token_path: false,
            rate_limits: RateLimits::default(),
        }
    }
}

/// A project environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// Its number and kind.
    pub scope: Scope,
    /// Its id.
    pub project_id: ProjectId,
    /// The project's name, as mails and pages show it.
    pub name: String,
    /// What an operator decided.
    pub settings: EnvironmentSettings,
    /// The RBAC policy.
    pub policy: Policy,
    /// Grows with every change of anything in this module.
    pub version: i64,
    /// The slug of the project that it belongs to.
    pub project_slug: String,
    /// What the project is for.
    pub vertical: Vertical,
    /// Its slug within the project.
    pub slug: String,
    /// Its own name, which only operators see.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An environment to be added.
#[derive(Clone, Debug)]
pub struct NewEnvironment {
    /// Its id, which says its kind too.
    pub project_id: ProjectId,
    /// Its kind.
    pub kind: EnvironmentKind,
    /// The slug of its project, which must exist.
    pub project_slug: String,
    /// Its slug within the project.
    pub slug: String,
    /// Its own name.
    pub label: String,
    /// What an operator decided.
    pub settings: EnvironmentSettings,
    /// The RBAC policy.
    pub policy: Policy,
}

/// A secret of an environment; only its hash is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its id.
    pub id: SecretId,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// The last characters, by which a person recognizes it.
    pub last_four: String,
}

/// A key that signs session tokens; the private part is sealed by the server.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// Its id, the `kid` of tokens.
    pub id: KeyId,
    /// The sealed private key.
    pub private_key: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs; the newest such key does.
    pub signs_from: Timestamp,
    /// Until when its tokens are accepted; absent while it is not retired.
    pub verifies_until: Option<Timestamp>,
}

const SELECT: &str =
    "SELECT e.env, e.project_id, e.kind, p.name, e.settings, e.policy, e.version, p.slug, p.vertical,
    e.slug, e.name, e.created_at FROM environments e JOIN projects p ON p.slug = e.project_slug ";
const LIST: Sql = sql!(SELECT, "ORDER BY e.env");
const FIND: Sql = sql!(SELECT, "WHERE e.env = $1");
const FIND_BY_SLUG: Sql = sql!(SELECT, "WHERE e.project_slug = $1 AND e.slug = $2");
const OF_PROJECT: Sql = sql!(SELECT, "WHERE e.project_slug = $1 ORDER BY e.created_at, e.env");
const VERSIONS: Sql = sql!("SELECT env, version FROM environments ORDER BY env");
const NEXT_NUMBER: Sql = sql!("UPDATE environment_numbers SET last = last + 1 RETURNING last");
const INSERT: Sql = sql!(
    "INSERT INTO environments
        (env, project_id, kind, project_slug, slug, name, settings, policy, version, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9) ON CONFLICT DO NOTHING"
);
const DELETE: Sql = sql!("DELETE FROM environments WHERE env = $1");
const TOUCH: Sql = sql!("UPDATE environments SET version = version + 1 WHERE env = $1");
/// The version guards against a change that another operator made in between.
const SET_POLICY: Sql =
    sql!("UPDATE environments SET policy = $3, version = version + 1 WHERE env = $1 AND version = $2");
/// Changes nothing, so that nobody reads anything again, but meets every other change of the row.
const PIN: Sql = sql!("UPDATE environments SET version = version WHERE env = $1 AND version = $2");
const UPDATE_SETTINGS: Sql = sql!(
    "UPDATE environments SET settings = $2, policy = $3, name = $4, version = version + 1 WHERE env = $1"
);

const SECRETS: Sql =
    sql!("SELECT secret_id, secret_hash, last_four FROM secrets WHERE env = $1 ORDER BY created_at");
const INSERT_SECRET: Sql = sql!(
    "INSERT INTO secrets (env, secret_id, secret_hash, last_four, created_at) VALUES ($1, $2, $3, $4, $5)"
);
const PUBLIC_TOKENS: Sql = sql!("SELECT token FROM public_tokens WHERE env = $1 ORDER BY created_at");
const INSERT_PUBLIC_TOKEN: Sql =
    sql!("INSERT INTO public_tokens (token, env, created_at) VALUES ($1, $2, $3)");
const REDIRECT_URLS: Sql =
    sql!("SELECT url, valid_types FROM redirect_urls WHERE env = $1 ORDER BY created_at, url");
const PUT_REDIRECT_URL: Sql = sql!(
    "INSERT INTO redirect_urls (env, url, valid_types, created_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (env, url) DO UPDATE SET valid_types = excluded.valid_types"
);
const DELETE_REDIRECT_URL: Sql = sql!("DELETE FROM redirect_urls WHERE env = $1 AND url = $2");
const SIGNING_KEYS: Sql = sql!(
    "SELECT key_id, private_key, created_at, signs_from, verifies_until FROM signing_keys WHERE env = $1
     ORDER BY signs_from"
);
const INSERT_SIGNING_KEY: Sql = sql!(
    "INSERT INTO signing_keys (env, key_id, private_key, created_at, signs_from) VALUES ($1, $2, $3, $4, $5)"
);
const RETIRE_SIGNING_KEYS: Sql = sql!(
    "UPDATE signing_keys SET verifies_until = $3 WHERE env = $1 AND signs_from < $2 AND verifies_until IS NULL"
);
const DELETE_RETIRED_KEYS: Sql = sql!("DELETE FROM signing_keys WHERE env = $1 AND verifies_until < $2");

fn map(row: &Row) -> Result<Environment, StoreError> {
    let mut columns = Columns::of(row);
    let env = columns.get()?;
    let project = columns.get()?;
    let kind = columns.word(EnvironmentKind::parse)?;
    Ok(Environment {
        scope: Scope { env, kind },
        project_id: ProjectId::new(project, kind),
        name: columns.get()?,
        settings: columns.json()?,
        policy: columns.json()?,
        version: columns.get()?,
        project_slug: columns.get()?,
        vertical: columns.word(Vertical::parse)?,
        slug: columns.get()?,
        label: columns.get()?,
        created_at: columns.time()?,
    })
}

/// Every environment.
pub async fn list(db: &Db) -> Result<Vec<Environment>, StoreError> {
    db.rows(LIST, &[]).await?.iter().map(map).collect()
}

/// The environment of a scope.
pub async fn find(db: &Db, scope: Scope) -> Result<Option<Environment>, StoreError> {
    db.row(FIND, &args![scope.env]).await?.as_ref().map(map).transpose()
}

/// The environment with these slugs.
pub async fn find_by_slug(db: &Db, project: &str, slug: &str) -> Result<Option<Environment>, StoreError> {
    db.row(FIND_BY_SLUG, &args![project, slug]).await?.as_ref().map(map).transpose()
}

/// The environments of a project, oldest first.
pub async fn of_project(db: &Db, project: &str) -> Result<Vec<Environment>, StoreError> {
    db.rows(OF_PROJECT, &args![project]).await?.iter().map(map).collect()
}

/// Deletes an environment with all that belongs to it.
pub async fn delete(db: &Db, scope: Scope) -> Result<(), StoreError> {
    db.exec(DELETE, &args![scope.env]).await?;
    Ok(())
}

/// The number and version of every environment: what has to be read again.
pub async fn versions(db: &Db) -> Result<Vec<(i64, i64)>, StoreError> {
    db.rows(VERSIONS, &[]).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Adds an environment and gives its scope; none when its slug is taken, or when it would be a second live one.
pub async fn insert(db: &Db, new: &NewEnvironment, now: Timestamp) -> Result<Option<Scope>, StoreError> {
    let env: i64 = match db.row(NEXT_NUMBER, &[]).await? {
        Some(row) => row.get(0)?,
        None => return Err(StoreError::Other("the counter of environments has no row".to_owned())),
    };
    let (settings, policy) = (to_json(&new.settings)?, to_json(&new.policy)?);
    let arguments = args![
        env,
        new.project_id.uuid(),
        new.kind.as_str(),
        &new.project_slug,
        &new.slug,
        &new.label,
        &settings,
        &policy,
        now.micros()
    ];
    let inserted = db.exec(INSERT, &arguments).await?;
    Ok((inserted == 1).then_some(Scope { env, kind: new.kind }))
}

/// Replaces the settings, the policy and the environment's own name.
pub async fn update(db: &Db, environment: &Environment) -> Result<(), StoreError> {
    let (settings, policy) = (to_json(&environment.settings)?, to_json(&environment.policy)?);
    db.exec(UPDATE_SETTINGS, &args![environment.scope.env, &settings, &policy, &environment.label]).await?;
    Ok(())
}

/// Replaces the policy of an environment that still has this version. `false` when it has another.
pub async fn set_policy(db: &Db, scope: Scope, version: i64, policy: &Policy) -> Result<bool, StoreError> {
    Ok(db.exec(SET_POLICY, &args![scope.env, version, &to_json(policy)?]).await? > 0)
}

/// Makes sure that the environment keeps this version until the transaction ends, for writes that were judged by the
/// policy of that version. `false` when it has another.
pub async fn pin(db: &Db, scope: Scope, version: i64) -> Result<bool, StoreError> {
    Ok(db.exec(PIN, &args![scope.env, version]).await? > 0)
}

/// Says that something of the environment changed, so that every node reads it again. Two transactions that do so for
/// the same environment run one after the other, so rules like a maximum can be counted.
pub(crate) async fn touch(db: &Db, scope: Scope) -> Result<(), StoreError> {
    db.exec(TOUCH, &args![scope.env]).await?;
    Ok(())
}

/// The secrets of an environment, oldest first.
pub async fn secrets(db: &Db, scope: Scope) -> Result<Vec<Secret>, StoreError> {
    let rows = db.rows(SECRETS, &args![scope.env]).await?;
    rows.iter()
        .map(|row| {
            let mut columns = Columns::of(row);
            Ok(Secret {
                id: SecretId::new(columns.get()?, scope.kind),
                hash: columns.get()?,
                last_four: columns.get()?,
            })
        })
        .collect()
}

/// Adds a secret.
pub async fn insert_secret(db: &Db, scope: Scope, secret: &Secret, now: Timestamp) -> Result<(), StoreError> {
    let arguments = args![scope.env, secret.id.uuid(), &secret.hash, &secret.last_four, now.micros()];
    db.exec(INSERT_SECRET, &arguments).await?;
    touch(db, scope).await
}

/// The public tokens of an environment, oldest first.
pub async fn public_tokens(db: &Db, scope: Scope) -> Result<Vec<PublicToken>, StoreError> {
    let rows = db.rows(PUBLIC_TOKENS, &args![scope.env]).await?;
    rows.iter().map(|row| Ok(PublicToken::new(row.get(0)?, scope.kind))).collect()
}

/// Adds a public token.
pub async fn insert_public_token(
    db: &Db,
    scope: Scope,
    token: PublicToken,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.exec(INSERT_PUBLIC_TOKEN, &args![token.uuid(), scope.env, now.micros()]).await?;
    touch(db, scope).await
}

/// The redirect URLs of an environment, oldest first.
pub async fn redirect_urls(db: &Db, scope: Scope) -> Result<Vec<RedirectUrl>, StoreError> {
    let rows = db.rows(REDIRECT_URLS, &args![scope.env]).await?;
    rows.iter()
        .map(|row| {
            let mut columns = Columns::of(row);
            Ok(RedirectUrl { url: columns.get()?, valid_types: columns.json()? })
        })
        .collect()
}

/// Adds a redirect URL or replaces its types.
pub async fn put_redirect_url(
    db: &Db,
    scope: Scope,
    url: &RedirectUrl,
    now: Timestamp,
) -> Result<(), StoreError> {
    let types = to_json(&url.valid_types)?;
    db.exec(PUT_REDIRECT_URL, &args![scope.env, &url.url, &types, now.micros()]).await?;
    touch(db, scope).await
}

/// Deletes a redirect URL.
pub async fn delete_redirect_url(db: &Db, scope: Scope, url: &str) -> Result<(), StoreError> {
    touch(db, scope).await?;
    db.exec(DELETE_REDIRECT_URL, &args![scope.env, url]).await?;
    Ok(())
}

/// The signing keys of an environment, by the time from which they sign.
pub async fn signing_keys(db: &Db, scope: Scope) -> Result<Vec<StoredSigningKey>, StoreError> {
    let rows = db.rows(SIGNING_KEYS, &args![scope.env]).await?;
    rows.iter()
        .map(|row| {
            let mut columns = Columns::of(row);
            Ok(StoredSigningKey {
                id: KeyId::new(columns.get()?, scope.kind),
                private_key: columns.get()?,
                created_at: columns.time()?,
                signs_from: columns.time()?,
                verifies_until: columns.optional_time()?,
            })
        })
        .collect()
}

/// Adds a signing key. Keys that signed before it are accepted until `verify_old_until`, then deleted.
pub async fn insert_signing_key(
    db: &Db,
    scope: Scope,
    key: &StoredSigningKey,
    verify_old_until: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.exec(DELETE_RETIRED_KEYS, &args![scope.env, now.micros()]).await?;
    let old = args![scope.env, key.signs_from.micros(), verify_old_until.micros()];
    db.exec(RETIRE_SIGNING_KEYS, &old).await?;
    let new =
        args![scope.env, key.id.uuid(), &key.private_key, key.created_at.micros(), key.signs_from.micros()];
    db.exec(INSERT_SIGNING_KEY, &new).await?;
    touch(db, scope).await
}
