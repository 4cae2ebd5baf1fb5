//! Judging passwords that are to be set (spec 01c §1).

use super::stored::{self, NewPassword};
use crate::cx::{Cx, Result};
use ostiary_core::password::{Password, PasswordPolicy, Strength, StrengthPolicy, judge, judge_micros_max};
use ostiary_proto::hash::sha1;

/// A question whether a password would do.
pub struct StrengthCheck {
    /// The password.
    pub password: Password,
    /// The address of who would use it.
    pub email_address: Option<String>,
}

/// What is to be said of a password.
pub struct Checked {
    /// How strong it is.
    pub strength: Strength,
    /// By which measure.
    pub policy: StrengthPolicy,
    /// Whether new passwords are looked up among breached ones.
    pub detects_breaches: bool,
}

/// Judges a password without setting it.
pub async fn strength_check(cx: &Cx, input: StrengthCheck) -> Result<Checked> {
    let hints = input.email_address.into_iter().collect();
    let is_breached = is_breached_at_creation(cx, &input.password).await;
    let policy = cx.project.environment.settings.password_strength_config;
    Ok(Checked {
        strength: measure(cx, input.password, hints, is_breached.unwrap_or(false)).await?,
        policy: policy.validation_policy,
        detects_breaches: policy.check_breach_on_creation && cx.app.options.breach_corpus.is_some(),
    })
}

/// Judges a password that is to be set and hashes it; outside of transactions. `hints` are what an attacker would try
/// first.
pub(super) async fn accept(cx: &Cx, password: Password, hints: Vec<String>) -> Result<NewPassword> {
    // First what costs nobody's service anything.
    measure(cx, password.clone(), hints.clone(), false).await?.require()?;
    let is_breached = is_breached_at_creation(cx, &password).await;
    if is_breached == Some(true) {
        measure(cx, password.clone(), hints, true).await?.require()?;
    }
    stored::hash(cx, password, is_breached == Some(false)).await
}

async fn measure(cx: &Cx, password: Password, hints: Vec<String>, is_breached: bool) -> Result<Strength> {
    let policy: PasswordPolicy = cx.project.environment.settings.password_strength_config;
    let micros_max = judge_micros_max(&policy, &password);
    let job = move |_: &mut _| {
        let hints: Vec<&str> = hints.iter().map(String::as_str).collect();
        judge(&policy, &password, &hints, is_breached)
    };
    cx.app.hashing.run_at_most(micros_max, job).await
}

async fn is_breached_at_creation(cx: &Cx, password: &Password) -> Option<bool> {
    let policy = cx.project.environment.settings.password_strength_config;
    if policy.check_breach_on_creation { is_breached(cx, password).await } else { None }
}

/// Whether a password is among breached ones; `None` when nobody knows. A lookup that fails is no reason to turn people
/// away (spec 01c §1, fail-open).
pub(super) async fn is_breached(cx: &Cx, password: &Password) -> Option<bool> {
    let corpus = cx.app.options.breach_corpus.as_ref()?;
    match corpus.contains(&sha1(password.as_bytes())).await {
        Ok(is_breached) => Some(is_breached),
        Err(error) => {
            tracing::warn!(reason = error.0, "a password was not looked up among breached ones");
            None
        }
    }
}
