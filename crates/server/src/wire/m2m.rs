//! M2M clients as answers show them (`M2MClient` in the contract).

use ostiary_core::m2m::M2mClient;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// A client, in some answers with a secret under its name.
pub struct WireM2mClient<'a> {
    /// The client.
    pub client: &'a M2mClient,
    /// `client_secret` or `next_client_secret`, and its value.
    pub secret: Option<(&'static str, &'a str)>,
}

impl Serialize for WireM2mClient<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let client = self.client;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("client_id", &client.id)?;
        map.serialize_entry("client_name", &client.name)?;
        map.serialize_entry("client_description", &client.description)?;
        map.serialize_entry("status", &client.status)?;
        map.serialize_entry("scopes", &client.scopes)?;
        map.serialize_entry("client_secret_last_four", &client.secret_last_four)?;
        map.serialize_entry("next_client_secret_last_four", &client.next_secret_last_four)?;
        map.serialize_entry("trusted_metadata", &client.trusted_metadata)?;
        if let Some((name, secret)) = self.secret {
            map.serialize_entry(name, secret)?;
        }
        map.end()
    }
}
