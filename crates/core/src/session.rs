//! Sessions: how long they live and what they carry (spec 01b §7).

use crate::claims::{self, ClaimsError};
use crate::error::{Error, ErrorType};
use crate::factor::{Factor, Proof};
use crate::ids::{MemberId, OrganizationId, SessionId};
use crate::time::Timestamp;
use serde_json::{Map, Value};

/// The shortest session, in minutes.
pub const DURATION_MINUTES_MIN: i64 = 5;
/// The longest session, in minutes: 366 days.
pub const DURATION_MINUTES_MAX: i64 = 527_040;
/// The length of a session when the call names none, in minutes.
pub const DURATION_MINUTES_DEFAULT: i64 = 60;
/// How long a session JWT is valid, in seconds.
pub const JWT_SECONDS: i64 = 300;
/// The length of a session in which an operator acts in a member's place, in minutes. It is never longer (spec 01b §7).
pub const IMPERSONATION_MINUTES: i64 = 60;
/// How long an intermediate session lives, in minutes (spec 01b §5).
pub const INTERMEDIATE_MINUTES: i64 = 10;

/// A session of a member.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub member_id: MemberId,
    /// Where it is valid.
    pub organization_id: OrganizationId,
    /// What was proven, in the order in which it was first proven.
    pub factors: Vec<Factor>,
    /// Claims that the application added.
    pub custom_claims: Map<String, Value>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was last used; exact to a minute in storage.
    pub last_accessed_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Grows with every change; cached answers are valid for one version.
    pub version: i64,
}

impl Session {
    /// The operator who acts in the member's place: the id of the key and the address.
    pub fn impersonator(&self) -> Option<(&str, &str)> {
        self.factors.iter().find_map(|factor| match &factor.proof {
            Proof::Impersonation { impersonator_id, impersonator_email_address } => {
                Some((impersonator_id.as_str(), impersonator_email_address.as_str()))
            }
            _ => None,
        })
    }

    /// Refuses to change a session that must stay as it is.
    ///
    /// # Errors
    /// `session_not_mutable` when an operator acts in the member's place.
    pub fn refuse_if_immutable(&self) -> Result<(), Error> {
        match self.impersonator() {
            None => Ok(()),
            Some(_) => Err(ErrorType::SessionNotMutable.into()),
        }
    }
}

/// The session part of the arguments of every authenticating call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionArguments {
    /// The wished length in minutes, not judged yet.
    pub duration_minutes: Option<i64>,
    /// Claims to merge into the session's.
    pub custom_claims: Option<Map<String, Value>>,
}

impl SessionArguments {
    /// The wished length, if one was given and is within the bounds; `maximum` is the project's own.
    pub fn duration(&self, maximum: Option<i64>) -> Result<Option<i64>, Error> {
        let Some(minutes) = self.duration_minutes else { return Ok(None) };
        if !(DURATION_MINUTES_MIN..=DURATION_MINUTES_MAX).contains(&minutes) {
            return Err(ErrorType::InvalidSessionDurationMinutes.into());
        }
        if maximum.is_some_and(|maximum| minutes > maximum) {
            return Err(ErrorType::InvalidSessionDuration.into());
        }
        Ok(Some(minutes))
    }

    /// The claims of a session with these arguments applied.
    pub fn claims(&self, current: &Map<String, Value>) -> Result<Map<String, Value>, Error> {
        match &self.custom_claims {
            None => Ok(current.clone()),
            Some(change) => claims::merge(current, change).map_err(claims_error),
        }
    }
}

fn claims_error(error: ClaimsError) -> Error {
    ErrorType::parse(error.error_type()).unwrap_or(ErrorType::UnableToRepresentCustomClaimsJson).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_bounds_are_inclusive() {
        for (minutes, expected) in [
            (None, Ok(None)),
            (Some(5), Ok(Some(5))),
            (Some(527_040), Ok(Some(527_040))),
            (Some(4), Err(ErrorType::InvalidSessionDurationMinutes)),
            (Some(527_041), Err(ErrorType::InvalidSessionDurationMinutes)),
            (Some(-60), Err(ErrorType::InvalidSessionDurationMinutes)),
        ] {
            let arguments = SessionArguments { duration_minutes: minutes, custom_claims: None };
            assert_eq!(arguments.duration(None).map_err(|error| error.kind), expected, "{minutes:?}");
        }
        let arguments = SessionArguments { duration_minutes: Some(61), custom_claims: None };
        assert_eq!(arguments.duration(Some(60)).unwrap_err().kind, ErrorType::InvalidSessionDuration);
    }
}
