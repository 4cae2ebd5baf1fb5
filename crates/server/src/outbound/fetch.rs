//! Getting documents from addresses that operators have set.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use super::client::{HttpClient, HttpLimits, HttpRequest, http_client};
use crate::config::Cidr;
use crate::fetch::{Fetch, FetchError, Fetched, Fetching};

/// A caller waits for the document, so less patience than with messages; key sets and profiles are small.
const LIMITS: HttpLimits = HttpLimits {
    connect: Duration::from_secs(3),
    total: Duration::from_secs(8),
    response_bytes_max: 256 * 1024,
};

/// Gets documents by HTTP.
pub struct HttpFetch {
    client: HttpClient,
}

impl HttpFetch {
    /// `allowed` are the networks that are reached although they are not public.
    pub fn new(allowed: Vec<Cidr>) -> HttpFetch {
        HttpFetch { client: http_client(LIMITS, allowed) }
    }

    async fn fetch(&self, url: &Url, bearer: Option<&str>) -> Result<Fetched, FetchError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(token) = bearer {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| FetchError("the token does not fit into a header".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let request = HttpRequest { method: Method::GET, url: url.clone(), headers, body: Bytes::new() };
        let answer = self.client.send(request).await.map_err(|error| FetchError(error.to_string()))?;
        Ok(Fetched { status: answer.status().as_u16(), body: answer.into_body().to_vec() })
    }
}

impl fmt::Debug for HttpFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFetch").finish_non_exhaustive()
    }
}

impl Fetch for HttpFetch {
    fn get<'a>(&'a self, url: &'a Url, bearer: Option<&'a str>) -> Fetching<'a> {
        Box::pin(self.fetch(url, bearer))
    }
}
