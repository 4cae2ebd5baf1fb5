//! Going from one organization into another with a session (spec 01b §7, exchange).

use super::tokens::{self, SessionCredential};
use crate::cx::{Cx, Result};
use crate::ops::login::{self, Authenticated, Credentials, Login};
use crate::ops::{lookup, provisioning};
use ostiary_core::error::ErrorType;
use ostiary_core::factor::Factor;
use ostiary_core::session::SessionArguments;
use ostiary_store::seam::Db;
use ostiary_store::{members, sessions};
use std::sync::Arc;

/// A wish to enter another organization.
pub struct Exchange {
    /// The session that the member has.
    pub credential: SessionCredential,
    /// The other organization, by any identifier.
    pub organization: String,
    /// Length and claims of the session to be.
    pub arguments: SessionArguments,
}

/// Enters another organization of the same person. What was proven by mail counts there too; a second factor does not,
/// since it belongs to one member. The first session stays as it is.
pub async fn exchange(cx: &Cx, input: Exchange) -> Result<Authenticated> {
    cx.write(input, exchange_in_transaction).await?.complete(cx)
}

async fn exchange_in_transaction(tx: Db, cx: Cx, input: Arc<Exchange>) -> Result<Login> {
    let id = tokens::find_session(&tx, &cx, &input.credential).await?;
    let source = sessions::find_full(&tx, cx.scope(), id, cx.now).await?.ok_or(ErrorType::SessionNotFound)?;
    let email = lookup::email(&source.member.email_address)?;
    let organization = lookup::get_organization(&tx, &cx, &input.organization).await?;
    // Nobody joins this way: there must be a membership of the same address already.
    let member = members::find_by_email(&tx, cx.scope(), organization.id, email.as_str())
        .await?
        .ok_or(ErrorType::MemberNotFound)?;
    provisioning::respect_claims(&tx, &cx, Some(&organization), &email).await?;
    member.refuse_if_locked(cx.now)?;
    let factors: Vec<Factor> = source.session.factors.into_iter().filter(Factor::is_transferable).collect();
    if factors.is_empty() {
        return Err(ErrorType::InsufficientFactorsForSessionExchange.into());
    }
    let credentials = Credentials { arguments: input.arguments.clone(), ..Credentials::default() };
    login::finish(&tx, &cx, organization, member, factors, &credentials).await
}
