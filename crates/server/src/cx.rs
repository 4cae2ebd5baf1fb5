//! The context of one request: where it works, when, and on whose behalf.

use crate::app::App;
use crate::project::Project;
use ostiary_core::error::Error;
use ostiary_core::ids::{EmailId, MemberId, OrganizationId, SessionId};
use ostiary_core::time::Timestamp;
use ostiary_proto::random;
use ostiary_store::Scope;
use ostiary_store::seam::Db;
use std::future::Future;
use std::sync::Arc;

/// The result of an operation.
pub type Result<T> = std::result::Result<T, Error>;

/// What every operation gets first. `now` is read once, so that one request sees one time.
#[derive(Clone)]
pub struct Cx {
    /// The server.
    pub app: Arc<App>,
    /// The project environment.
    pub project: Arc<Project>,
    /// The time of the request.
    pub now: Timestamp,
    /// Whether the caller holds a secret key and not just a public token.
    pub is_backend: bool,
}

impl Cx {
    /// The scope of every query.
    pub fn scope(&self) -> Scope {
        self.project.scope()
    }

    /// A handle for reading outside of a transaction.
    pub fn reader(&self) -> Db {
        self.app.store.reader()
    }

    /// Runs an operation's part that changes data in one transaction. It may run again after a collision with another
    /// transaction, so it has no effects beside its statements.
    pub async fn write<I, T, F, Fut>(&self, input: I, operation: F) -> Result<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: Fn(Db, Cx, Arc<I>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        let (cx, input) = (self.clone(), Arc::new(input));
        self.app.store.write(move |tx| operation(tx, cx.clone(), input.clone())).await
    }

    /// A new token of 44 characters.
    pub fn new_token(&self) -> String {
        random::token(self.app.random.as_ref())
    }

    /// A new id for a member.
    pub fn new_member_id(&self) -> MemberId {
        MemberId::new(random::uuid(self.app.random.as_ref()), self.project.kind())
    }

    /// A new id for an email address.
    pub fn new_email_id(&self) -> EmailId {
        EmailId::new(random::uuid(self.app.random.as_ref()), self.project.kind())
    }

    /// A new id for an organization.
    pub fn new_organization_id(&self) -> OrganizationId {
        OrganizationId::new(random::uuid(self.app.random.as_ref()), self.project.kind())
    }

    /// A new id for a session.
    pub fn new_session_id(&self) -> SessionId {
        SessionId::new(random::uuid(self.app.random.as_ref()), self.project.kind())
    }
}
