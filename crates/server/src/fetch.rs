//! Documents of other servers, as operations ask for them; `outbound::fetch` gets them.

use std::fmt::Debug;
use std::pin::Pin;
use url::Url;

/// What another server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// The answer, to come.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;

/// Gets documents from addresses that operators have set.
pub trait Fetch: Debug + Send + Sync {
    /// `GET`, with a bearer token if one is given. Redirects are not followed; addresses that are not public are refused
    /// (spec 06 R-46).
    fn get<'a>(&'a self, url: &'a Url, bearer: Option<&'a str>) -> Fetching<'a>;
}

/// Why there is no answer. The text goes to the log and carries no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError(pub String);
