//! Project environments in memory: who may call, which keys sign, what the policy says.
//!
//! Requests read settings, secrets, keys and policy from here and never from the database. Every node polls the
//! versions of the environments ([`Projects::refresh`]) and reads again what changed.

use crate::keys::KeyRing;
use crate::ops::email_templates::EmailTemplates;
use ostiary_core::claim_template::{ClaimTemplate, JwtTemplate};
use ostiary_core::error::Error;
use ostiary_core::ids::{EnvironmentKind, ProjectId, PublicToken};
use ostiary_core::rbac::{Policy, PolicyIndex};
use ostiary_core::redirect_url::{EnvironmentRules, RedirectUrl};
use ostiary_proto::hash::{constant_time_eq, sha256};
use ostiary_proto::seal::MasterKey;
use ostiary_store::Scope;
use ostiary_store::email_templates;
use ostiary_store::environments::{self, Environment, Secret};
use ostiary_store::seam::Store;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// One project environment with everything that requests need of it.
pub struct Project {
    /// The stored environment.
    pub environment: Environment,
    /// The policy: the built-in part and the project's own.
    pub policy: Policy,
    /// The policy in its fast form.
    pub policy_index: PolicyIndex,
    /// Where links may lead.
    pub redirect_urls: Vec<RedirectUrl>,
    /// The keys that sign and verify session tokens.
    pub keys: KeyRing,
    /// The issuer of session tokens: `stytch.com/<project_id>`.
    pub issuer: String,
    /// What is added to session tokens.
    pub session_template: ClaimTemplate,
    /// What is added to the tokens of M2M clients.
    pub m2m_template: ClaimTemplate,
    /// How its mails look, and what they say.
    pub email_templates: EmailTemplates,
    secrets: Vec<Secret>,
    public_tokens: Vec<PublicToken>,
    is_dev: bool,
}

impl Project {
    /// The scope of every query for this project.
    pub fn scope(&self) -> Scope {
        self.environment.scope
    }

    /// The kind of the environment.
    pub fn kind(&self) -> EnvironmentKind {
        self.environment.scope.kind
    }

    /// The project's id.
    pub fn id(&self) -> ProjectId {
        self.environment.project_id
    }

    /// How strict redirect URLs are.
    pub fn redirect_rules(&self) -> EnvironmentRules {
        match (self.is_dev, self.kind()) {
            (true, _) => EnvironmentRules::Dev,
            (false, EnvironmentKind::Test) => EnvironmentRules::Test,
            (false, EnvironmentKind::Live) => EnvironmentRules::Live,
        }
    }

    /// Whether this is one of the project's secrets. Every secret is compared in full, so that the time says nothing.
    pub fn has_secret(&self, secret: &str) -> bool {
        let hash = sha256(secret.as_bytes());
        self.secrets.iter().fold(false, |found, known| found | constant_time_eq(&known.hash, &hash))
    }

    /// The first public token, which names the project in links and in the start-up banner.
    pub fn public_token(&self) -> Option<PublicToken> {
        self.public_tokens.first().copied()
    }
}

/// The template of the settings. It was judged when it was set; should this version judge otherwise, tokens go without
/// it rather than the project out of service.
fn compiled(template: Option<&JwtTemplate>) -> ClaimTemplate {
    template.map(JwtTemplate::compile).transpose().map(Option::unwrap_or_default).unwrap_or_else(|kind| {
        tracing::error!(error.kind = kind.name(), "a stored claim template is not one and is left out");
        ClaimTemplate::default()
    })
}

/// All projects of the server.
pub struct Projects {
    is_dev: bool,
    loaded: RwLock<Arc<Loaded>>,
}

#[derive(Default)]
struct Loaded {
    versions: Vec<(i64, i64)>,
    by_project_id: HashMap<Uuid, Arc<Project>>,
    by_public_token: HashMap<Uuid, Arc<Project>>,
    by_env: HashMap<i64, Arc<Project>>,
}

impl Projects {
    /// No projects yet. `is_dev` makes local redirect URLs acceptable without configuration.
    pub fn new(is_dev: bool) -> Self {
        Projects { is_dev, loaded: RwLock::default() }
    }

    /// The project with this id.
    pub fn by_id(&self, id: ProjectId) -> Option<Arc<Project>> {
        let loaded = self.loaded.read();
        loaded.by_project_id.get(&id.uuid()).filter(|project| project.id() == id).cloned()
    }

    /// The project with this id as it stands in a request; ids of either kind of environment.
    pub fn by_id_text(&self, id: &str) -> Option<Arc<Project>> {
        ProjectId::parse_any(id).and_then(|id| self.by_id(id))
    }

    /// The project that a public token names; tokens of either kind of environment.
    pub fn by_public_token(&self, token: &str) -> Option<Arc<Project>> {
        let token = EnvironmentKind::ALL.iter().find_map(|kind| PublicToken::parse(token, *kind).ok())?;
        let loaded = self.loaded.read();
        let project = loaded.by_public_token.get(&token.uuid())?;
        project.public_tokens.contains(&token).then(|| project.clone())
    }

    /// The project of an environment number.
    pub fn by_env(&self, env: i64) -> Option<Arc<Project>> {
        self.loaded.read().by_env.get(&env).cloned()
    }

    /// Every project, in the order of their creation.
    pub fn all(&self) -> Vec<Arc<Project>> {
        let mut all: Vec<_> = self.loaded.read().by_env.values().cloned().collect();
        all.sort_by_key(|project| project.scope().env);
        all
    }

    /// Reads again what changed since the last time; one small query when nothing did.
    pub async fn refresh(&self, store: &Store, master_key: &MasterKey) -> Result<(), Error> {
        let reader = store.reader();
        let versions = environments::versions(&reader).await?;
        let before = self.loaded.read().clone();
        if versions == before.versions {
            return Ok(());
        }
        let mut loaded = Loaded { versions, ..Loaded::default() };
        for environment in environments::list(&reader).await? {
            let unchanged = before
                .by_env
                .get(&environment.scope.env)
                .filter(|project| project.environment.version == environment.version);
            let project = match unchanged {
                Some(project) => project.clone(),
                None => Arc::new(self.load(store, master_key, environment).await?),
            };
            loaded.by_project_id.insert(project.id().uuid(), project.clone());
            for token in &project.public_tokens {
                loaded.by_public_token.insert(token.uuid(), project.clone());
            }
            loaded.by_env.insert(project.scope().env, project);
        }
        *self.loaded.write() = Arc::new(loaded);
        Ok(())
    }

    async fn load(
        &self,
        store: &Store,
        master_key: &MasterKey,
        environment: Environment,
    ) -> Result<Project, Error> {
        let reader = store.reader();
        let scope = environment.scope;
        let policy = match environment.settings.default_roles_as_written {
            true => Policy::effective_as_written(&environment.policy),
            false => Policy::effective(&environment.policy),
        };
        let keys = KeyRing::open(environments::signing_keys(&reader, scope).await?, scope, master_key)?;
        Ok(Project {
            policy_index: policy.index(),
            policy,
            redirect_urls: environments::redirect_urls(&reader, scope).await?,
            keys,
            issuer: format!("stytch.com/{}", environment.project_id),
            session_template: compiled(environment.settings.session_jwt_template.as_ref()),
            m2m_template: compiled(environment.settings.m2m_jwt_template.as_ref()),
            email_templates: EmailTemplates::of(
                email_templates::list(&reader, &environment.project_slug).await?,
                email_templates::defaults(&reader, &environment.project_slug).await?,
            ),
            secrets: environments::secrets(&reader, scope).await?,
            public_tokens: environments::public_tokens(&reader, scope).await?,
            is_dev: self.is_dev,
            environment,
        })
    }
}
