//! Typed identifiers: `<prefix>-<test|live>-<uuid v4>` (spec 01a §2).
//!
//! An id knows the kind of environment that it belongs to, so that an id of a test environment can be told from
//! one of a live environment before anything is looked up. The store keeps only the 16 bytes of the UUID, since
//! every row is already scoped by its environment.

use crate::error::{Error, ErrorType};
use crate::wire_enum;
use uuid::Uuid;

wire_enum! {
    /// The kind of a project environment; part of every id.
    EnvironmentKind {
        /// For development and automated tests.
        Test = "test",
        /// For members of the real world.
        Live = "live",
    }
}

/// Why a text is not the id that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdError {
    /// Not of the form `<prefix>-<kind>-<uuid>`.
    Malformed,
    /// An id of a test environment in a live one.
    TestInLive,
    /// An id of a live environment in a test one.
    LiveInTest,
}

impl ProjectId {
    /// Reads the wire form of a project of either kind.
    pub fn parse_any(text: &str) -> Option<Self> {
        EnvironmentKind::ALL.iter().find_map(|kind| Self::parse(text, *kind).ok())
    }
}

impl IdError {
    /// The catalogued error for an id that was given in a request.
    pub fn into_error(self, field: &str) -> Error {
        match self {
            IdError::Malformed => {
                ErrorType::InvalidId.with_message(format!("{field} is not a well-formed id."))
            }
            IdError::TestInLive => ErrorType::TestIdUsedInLiveEnvironment.into(),
            IdError::LiveInTest => ErrorType::LiveIdUsedInTestEnvironment.into(),
        }
    }
}

fn parse_uuid(text: &str, prefix: &str, expected: EnvironmentKind) -> Result<Uuid, IdError> {
    let rest = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-')).ok_or(IdError::Malformed)?;
    let (kind, uuid) = rest.split_once('-').ok_or(IdError::Malformed)?;
    let kind = EnvironmentKind::parse(kind).ok_or(IdError::Malformed)?;
    // One spelling per id: hyphenated lower case, 36 characters.
    if uuid.len() != 36 || uuid.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(IdError::Malformed);
    }
    let uuid = Uuid::try_parse(uuid).map_err(|_| IdError::Malformed)?;
    match (kind, expected) {
        (EnvironmentKind::Test, EnvironmentKind::Live) => Err(IdError::TestInLive),
        (EnvironmentKind::Live, EnvironmentKind::Test) => Err(IdError::LiveInTest),
        _ => Ok(uuid),
    }
}

macro_rules! typed_id {
    ($($(#[$meta:meta])* $name:ident = $prefix:literal),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name { uuid: Uuid, kind: EnvironmentKind }

        impl $name {
            /// The first part of the wire form.
            pub const PREFIX: &'static str = $prefix;

            /// The id with these 16 bytes in an environment of this kind.
            pub const fn new(uuid: Uuid, kind: EnvironmentKind) -> Self {
                Self { uuid, kind }
            }

            /// Reads the wire form; refuses ids of the other kind of environment.
            pub fn parse(text: &str, expected: EnvironmentKind) -> Result<Self, IdError> {
                parse_uuid(text, $prefix, expected).map(|uuid| Self { uuid, kind: expected })
            }

            /// The 16 bytes that the store keeps.
            pub const fn uuid(self) -> Uuid {
                self.uuid
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "-{}-{}"), self.kind.as_str(), self.uuid.as_hyphenated())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                EnvironmentKind::ALL
                    .iter()
                    .find_map(|kind| Self::parse(&text, *kind).ok())
                    .ok_or_else(|| serde::de::Error::custom(concat!("not a ", $prefix, " id")))
            }
        }
    )+};
}

typed_id! {
    /// A project environment, as clients name it.
    ProjectId = "project",
    /// A public token: names a project environment in browsers.
    PublicToken = "public-token",
    /// An organization.
    OrganizationId = "organization",
    /// A member of one organization.
    MemberId = "member",
    /// An email address of a member (`method_id`, `email_id`).
    EmailId = "email",
    /// The phone number of a member that serves as a second factor.
    PhoneId = "phone-number",
    /// A password of a member.
    MemberPasswordId = "member-password",
    /// An authenticator app of a member.
    TotpId = "member-totp",
    /// The recovery codes of a member.
    RecoveryCodeId = "totp-recovery-code",
    /// A session of a member.
    SessionId = "session",
    /// A key that signs session tokens.
    KeyId = "jwk",
    /// A secret key of a project environment.
    SecretId = "secret",
    /// Whose tokens a project environment takes for logins.
    TrustedTokenProfileId = "ttp",
    /// A key file of such a profile.
    PemFileId = "pem-file",
    /// The id that an M2M client has when its creator chose none.
    GeneratedM2mClientId = "m2m-client",
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "07971b06-ac8b-4cdb-9c15-63b17e653931";

    #[test]
    fn parse_accepts_exactly_one_spelling() {
        let good = format!("organization-test-{UUID}");
        let id = OrganizationId::parse(&good, EnvironmentKind::Test).unwrap();
        assert_eq!(id.to_string(), good);
        for bad in [
            "",
            "organization",
            "organization-test-",
            "member-test-07971b06-ac8b-4cdb-9c15-63b17e653931",
            "organization-test-07971B06-ac8b-4cdb-9c15-63b17e653931",
            "organization-test-07971b06ac8b4cdb9c1563b17e653931",
            "organization-prod-07971b06-ac8b-4cdb-9c15-63b17e653931",
            " organization-test-07971b06-ac8b-4cdb-9c15-63b17e653931",
            "organization-test-07971b06-ac8b-4cdb-9c15-63b17e653931 ",
        ] {
            assert_eq!(OrganizationId::parse(bad, EnvironmentKind::Test), Err(IdError::Malformed), "{bad}");
        }
    }

    #[test]
    fn the_other_kind_of_environment_is_named() {
        let test = format!("member-test-{UUID}");
        let live = format!("member-live-{UUID}");
        assert_eq!(MemberId::parse(&test, EnvironmentKind::Live), Err(IdError::TestInLive));
        assert_eq!(MemberId::parse(&live, EnvironmentKind::Test), Err(IdError::LiveInTest));
    }
}
