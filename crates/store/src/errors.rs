//! How a failed statement looks to a caller of the API.

use crate::seam::StoreError;
use ostiary_core::error::{Error, ErrorType};

/// What it means to the caller that a value is taken, by the unique index that says so.
const CONFLICTS: &[(&str, ErrorType)] = &[
    ("organizations_slug_key", ErrorType::OrganizationSlugAlreadyUsed),
    ("organizations_external_id_key", ErrorType::OrganizationExternalIdAlreadyUsed),
    ("organization_domains_claimed_key", ErrorType::SettingsDuplicateClaimedDomain),
    ("members_external_id_key", ErrorType::DuplicateMemberExternalId),
    ("members_mfa_phone_number_key", ErrorType::DuplicateMemberPhoneNumber),
    ("member_emails_pkey", ErrorType::DuplicateMemberEmail),
    ("m2m_clients_pkey", ErrorType::DuplicateM2mClientId),
];

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let unavailable = |error: &StoreError| Error {
            source: Some(error.to_string()),
            retry_after_seconds: Some(1),
            ..ErrorType::ServerUnavailable.into()
        };
        match &error {
            StoreError::Conflict(key) => CONFLICTS
                .iter()
                .find(|(index, _)| key == index)
                .map_or_else(|| Error::internal(&error), |(_, kind)| Error::from(*kind)),
            StoreError::NulInText => {
                ErrorType::InvalidRequestValue.with_message("A value has a NUL character.")
            }
            StoreError::Unavailable { .. } | StoreError::Contention { .. } => unavailable(&error),
            _ => Error::internal(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::UniqueKey;

    #[test]
    fn taken_values_are_named_and_failures_are_hidden() {
        let taken = StoreError::Conflict(UniqueKey::new("organizations_slug_key"));
        assert_eq!(Error::from(taken).kind, ErrorType::OrganizationSlugAlreadyUsed);
        let broken = Error::from(StoreError::Other("near \"SELEC\": syntax error".into()));
        assert_eq!(broken.kind, ErrorType::InternalServerError);
        assert!(!broken.text().contains("SELEC"));
    }
}
