//! What is known of breached passwords, as operations ask for it; `outbound::breach` finds it out.

use std::fmt::Debug;
use std::pin::Pin;

/// Whether a password is known from a breach, to come.
pub type LookingUp<'a> = Pin<Box<dyn Future<Output = Result<bool, BreachError>> + Send + 'a>>;

/// A collection of passwords from breaches.
pub trait BreachCorpus: Debug + Send + Sync {
    /// Whether the password with this SHA-1 digest is in the collection.
    fn contains<'a>(&'a self, sha1: &'a [u8; 20]) -> LookingUp<'a>;
}

/// Why nobody knows. The text goes to the log and says nothing of the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreachError(pub String);
