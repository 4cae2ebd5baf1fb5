//! Trusted token profiles: whose tokens a project takes for its members' logins (spec 05a §8).

use crate::error::{Error, ErrorType};
use crate::ids::{PemFileId, TrustedTokenProfileId};
use crate::project::NAME_CHARS_MAX;
use crate::wire_enum;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

/// The most profiles of an environment (chosen).
pub const PROFILES_MAX: usize = 100;
/// The most PEM files of a profile (chosen).
pub const PEM_FILES_MAX: usize = 20;
/// The longest PEM file, in bytes (chosen).
pub const PEM_BYTES_MAX: usize = 16 * 1024;
/// The longest issuer, audience, URL or name of a claim, in bytes (chosen).
const TEXT_BYTES_MAX: usize = 2048;

wire_enum! {
    /// Where the keys of a profile come from.
    PublicKeyType {
        /// From a JWKS at a URL.
        Jwk = "JWK",
        /// From PEM files that the profile holds.
        Pem = "PEM",
    }
}

/// A public key in a file. It is kept as it was given, also when it is not one that can verify tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PemFile {
    /// Its id.
    pub pem_file_id: PemFileId,
    /// Its content.
    pub public_key: String,
}

/// A profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrustedTokenProfile {
    /// Its id.
    pub profile_id: TrustedTokenProfileId,
    /// What people call it.
    pub name: String,
    /// For whom its tokens must be.
    pub audience: String,
    /// From whom its tokens must be.
    pub issuer: String,
    /// Where its keys come from. It never changes.
    pub public_key_type: PublicKeyType,
    /// Where its JWKS is; empty when its keys are files.
    pub jwks_url: String,
    /// Its key files.
    pub pem_files: Vec<PemFile>,
    /// For attributes, the claim that holds them; one that is not listed is in the claim of its own name.
    pub attribute_mapping: Map<String, Value>,
    /// Whether its tokens make members and organizations that are not there yet.
    pub can_jit_provision: bool,
}

/// What a token says of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// The address.
    Email,
    /// What makes the token one of a kind.
    TokenId,
    /// The organization, by our id or its external id.
    OrganizationId,
    /// The member's external id.
    ExternalMemberId,
    /// The roles of a new member.
    RoleIds,
}

impl Attribute {
    const fn name(self) -> &'static str {
        match self {
            Attribute::Email => "email",
            Attribute::TokenId => "token_id",
            Attribute::OrganizationId => "organization_id",
            Attribute::ExternalMemberId => "external_member_id",
            Attribute::RoleIds => "role_ids",
        }
    }
}

impl TrustedTokenProfile {
    /// The claim with an attribute. Where the mapping does not say which claim tells tokens apart, `token_id` does, or
    /// `jti` (RFC 7519 §4.1.7; chosen).
    pub fn claim<'c>(&self, claims: &'c Map<String, Value>, attribute: Attribute) -> Option<&'c Value> {
        let found = match self.attribute_mapping.get(attribute.name()).and_then(Value::as_str) {
            Some(claim) => claims.get(claim),
            None if attribute == Attribute::TokenId => claims.get("token_id").or_else(|| claims.get("jti")),
            None => claims.get(attribute.name()),
        };
        found.filter(|value| !value.is_null())
    }

    /// Checks everything but whether keys are keys.
    ///
    /// # Errors
    /// `trusted_token_profile_invalid_request` and the more exact ones of spec 05a §8.
    pub fn validate(&self) -> Result<(), Error> {
        let is_text = |text: &str| !text.trim().is_empty() && text.len() <= TEXT_BYTES_MAX;
        if self.name.chars().count() > NAME_CHARS_MAX || !is_text(&self.name) {
            return Err(invalid("name must have 1 to 128 characters."));
        }
        if !is_text(&self.audience) || !is_text(&self.issuer) {
            return Err(invalid("audience and issuer must be given, each with at most 2048 bytes."));
        }
        match self.public_key_type {
            PublicKeyType::Jwk if self.jwks_url.is_empty() => {
                return Err(ErrorType::MustHaveJwksUrlForTrustedTokenProfile.into());
            }
            PublicKeyType::Jwk if !self.pem_files.is_empty() => {
                return Err(ErrorType::CannotAddPemFileToNonPemProfile.into());
            }
            PublicKeyType::Jwk => check_url(&self.jwks_url)?,
            PublicKeyType::Pem if self.pem_files.is_empty() => {
                return Err(ErrorType::MustHavePemFilesForTrustedTokenProfile.into());
            }
            PublicKeyType::Pem if !self.jwks_url.is_empty() => {
                return Err(invalid("A profile with PEM files has no jwks_url."));
            }
            PublicKeyType::Pem => {}
        }
        if self.pem_files.len() > PEM_FILES_MAX {
            return Err(ErrorType::TooManyPemFilesForTrustedTokenProfile.into());
        }
        if self.pem_files.iter().any(|file| file.public_key.len() > PEM_BYTES_MAX) {
            return Err(invalid("A PEM file may have at most 16 KB."));
        }
        let is_claim = |value: &Value| value.as_str().is_some_and(is_text);
        if self.attribute_mapping.values().all(is_claim) {
            return Ok(());
        }
        Err(invalid("attribute_mapping must map attributes to names of claims."))
    }
}

/// The form of a URL; where it leads is asked when it is followed.
fn check_url(text: &str) -> Result<(), Error> {
    let is_good = text.len() <= TEXT_BYTES_MAX
        && Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "https" | "http")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        });
    if is_good { Ok(()) } else { Err(invalid("jwks_url must be an https URL without credentials.")) }
}

fn invalid(message: &str) -> Error {
    ErrorType::TrustedTokenProfileInvalidRequest.with_message(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::EnvironmentKind::Test;
    use serde_json::json;
    use uuid::Uuid;

    fn profile() -> TrustedTokenProfile {
        TrustedTokenProfile {
            profile_id: TrustedTokenProfileId::new(Uuid::nil(), Test),
            name: "Legacy".into(),
            audience: "acme".into(),
            issuer: "https://legacy.example".into(),
            public_key_type: PublicKeyType::Jwk,
            jwks_url: "https://legacy.example/jwks.json".into(),
            pem_files: Vec::new(),
            attribute_mapping: Map::new(),
            can_jit_provision: false,
        }
    }

    #[test]
    fn keys_come_from_where_the_type_says() {
        let file = PemFile { pem_file_id: PemFileId::new(Uuid::nil(), Test), public_key: "not a key".into() };
        let pem = TrustedTokenProfile {
            public_key_type: PublicKeyType::Pem,
            jwks_url: String::new(),
            pem_files: vec![file.clone()],
            ..profile()
        };
        assert_eq!((profile().validate(), pem.validate()), (Ok(()), Ok(())));
        let kind = |profile: TrustedTokenProfile| profile.validate().unwrap_err().kind;
        for (bad, expected) in [
            (
                TrustedTokenProfile { jwks_url: String::new(), ..profile() },
                ErrorType::MustHaveJwksUrlForTrustedTokenProfile,
            ),
            (
                TrustedTokenProfile { pem_files: vec![file.clone()], ..profile() },
                ErrorType::CannotAddPemFileToNonPemProfile,
            ),
            (
                TrustedTokenProfile { pem_files: Vec::new(), ..pem.clone() },
                ErrorType::MustHavePemFilesForTrustedTokenProfile,
            ),
            (
                TrustedTokenProfile { pem_files: vec![file; PEM_FILES_MAX + 1], ..pem.clone() },
                ErrorType::TooManyPemFilesForTrustedTokenProfile,
            ),
            (
                TrustedTokenProfile { jwks_url: "https://u:p@legacy.example".into(), ..profile() },
                ErrorType::TrustedTokenProfileInvalidRequest,
            ),
            (
                TrustedTokenProfile { jwks_url: "file:///etc/passwd".into(), ..profile() },
                ErrorType::TrustedTokenProfileInvalidRequest,
            ),
            (
                TrustedTokenProfile { issuer: " ".into(), ..profile() },
                ErrorType::TrustedTokenProfileInvalidRequest,
            ),
        ] {
            assert_eq!(kind(bad.clone()), expected, "{bad:?}");
        }
    }

    #[test]
    fn attributes_are_where_the_mapping_says() {
        let claims = json!({"email": "a@b.example", "mail": "c@d.example", "jti": "t-1", "sub": "u-1"});
        let claims = claims.as_object().unwrap();
        let mut profile = profile();
        assert_eq!(profile.claim(claims, Attribute::Email), Some(&json!("a@b.example")));
        assert_eq!(profile.claim(claims, Attribute::TokenId), Some(&json!("t-1")));
        assert_eq!(profile.claim(claims, Attribute::ExternalMemberId), None);
        profile.attribute_mapping =
            json!({"email": "mail", "external_member_id": "sub", "token_id": "nonce"})
                .as_object()
                .unwrap()
                .clone();
        assert_eq!(profile.claim(claims, Attribute::Email), Some(&json!("c@d.example")));
        assert_eq!(profile.claim(claims, Attribute::ExternalMemberId), Some(&json!("u-1")));
        assert_eq!(profile.claim(claims, Attribute::TokenId), None);
    }
}
