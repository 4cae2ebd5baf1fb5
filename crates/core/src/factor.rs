//! Authentication factors: what a member has proven, as sessions carry it (spec 01b §7).

use crate::ids::{EmailId, MemberPasswordId, PhoneId, RecoveryCodeId, TotpId};
use crate::organization::{AuthMethod, MfaMethod};
use crate::time::Timestamp;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

/// How a factor was proven, with what identifies it. Two factors with equal proofs are the same factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Proof {
    /// A link in a mail was followed.
    MagicLink {
        /// The address, when it belongs to a member already.
        email_id: Option<EmailId>,
        /// The address that received the link.
        email_address: String,
    },
    /// A code in a mail was entered.
    EmailOtp {
        /// The address, when it belongs to a member already.
        email_id: Option<EmailId>,
        /// The address that received the code.
        email_address: String,
    },
    /// A password was entered, or set.
    Password {
        /// The password. Setting another one gives it another id.
        password_id: MemberPasswordId,
        /// Whether it belongs to an address and counts in every organization, and not to one member.
        is_shared: bool,
        /// The address that was proven in setting it, by a link that was mailed there. A password that is only entered
        /// proves no address.
        verified_email: Option<String>,
    },
    /// A code in a text message was entered.
    SmsOtp {
        /// The phone number's id.
        phone_id: PhoneId,
        /// The number, in E.164 form.
        phone_number: String,
    },
    /// A code of an authenticator app was entered.
    Totp {
        /// The app's registration.
        totp_id: TotpId,
    },
    /// A recovery code was entered.
    RecoveryCode {
        /// The set of codes.
        recovery_code_id: RecoveryCodeId,
    },
    /// A token of a system that the project trusts was exchanged (spec 05a §8).
    TrustedAuthToken {
        /// The token's own id.
        token_id: String,
    },
    /// A session of the system that came before was taken over (spec 01b §7, migrate).
    Imported,
    /// An operator acts in the member's place (spec 05b §6). Nothing was proven by the member.
    Impersonation {
        /// The operator's key.
        impersonator_id: String,
        /// The operator's address.
        impersonator_email_address: String,
    },
}

/// Whether a factor is a first or a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceOrder {
    /// A first factor.
    Primary,
    /// A second factor.
    Secondary,
}

/// A proof and when it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// What was proven.
    pub proof: Proof,
    /// When it was first proven in this session.
    pub created_at: Timestamp,
    /// When it was last proven.
    pub last_authenticated_at: Timestamp,
}

impl Factor {
    /// A factor that was just proven.
    pub fn new(proof: Proof, now: Timestamp) -> Self {
        Factor { proof, created_at: now, last_authenticated_at: now }
    }

    /// Whether this is a first or a second factor.
    pub fn sequence_order(&self) -> SequenceOrder {
        match self.proof {
            Proof::SmsOtp { .. } | Proof::Totp { .. } | Proof::RecoveryCode { .. } => {
                SequenceOrder::Secondary
            }
            _ => SequenceOrder::Primary,
        }
    }

    /// The first-factor method that an organization can allow or forbid; `None` for second factors and for what others
    /// vouch for.
    pub fn auth_method(&self) -> Option<AuthMethod> {
        match self.proof {
            Proof::MagicLink { .. } => Some(AuthMethod::MagicLink),
            Proof::EmailOtp { .. } => Some(AuthMethod::EmailOtp),
            Proof::Password { .. } => Some(AuthMethod::Password),
            _ => None,
        }
    }

    /// Whether another system has vouched for the member, which the project trusts to do so. Organizations cannot forbid
    /// it, and it counts in the session in which it came about only.
    pub fn is_vouched(&self) -> bool {
        matches!(self.proof, Proof::TrustedAuthToken { .. } | Proof::Imported)
    }

    /// The second-factor method that an organization can allow or forbid. Recovery codes stand in for TOTP.
    pub fn mfa_method(&self) -> Option<MfaMethod> {
        match self.proof {
            Proof::SmsOtp { .. } => Some(MfaMethod::SmsOtp),
            Proof::Totp { .. } | Proof::RecoveryCode { .. } => Some(MfaMethod::Totp),
            _ => None,
        }
    }

    /// The email address that the factor proves control of.
    pub fn verified_email(&self) -> Option<&str> {
        match &self.proof {
            Proof::MagicLink { email_address, .. } | Proof::EmailOtp { email_address, .. } => {
                Some(email_address)
            }
            Proof::Password { verified_email, .. } => verified_email.as_deref(),
            _ => None,
        }
    }

    /// The password that was entered or set.
    pub fn password_id(&self) -> Option<MemberPasswordId> {
        match self.proof {
            Proof::Password { password_id, .. } => Some(password_id),
            _ => None,
        }
    }

    /// Whether the factor may be carried from one organization into another (spec 01b §5, transfer rule). Second
    /// factors and passwords of one member belong to that member and never do, and what another vouched for was said of
    /// one member too.
    pub fn is_transferable(&self) -> bool {
        match &self.proof {
            Proof::MagicLink { .. } | Proof::EmailOtp { .. } => true,
            Proof::Password { is_shared, .. } => *is_shared,
            _ => false,
        }
    }

    /// The same proof as a factor of a member: an address gets the id that it has there.
    pub fn bound_to(&self, email_id: EmailId, email_address: &str) -> Factor {
        let proof = match &self.proof {
            Proof::MagicLink { .. } => {
                Proof::MagicLink { email_id: Some(email_id), email_address: email_address.to_owned() }
            }
            Proof::EmailOtp { .. } => {
                Proof::EmailOtp { email_id: Some(email_id), email_address: email_address.to_owned() }
            }
            other => other.clone(),
        };
        Factor { proof, ..self.clone() }
    }

    /// The same proof before it is known whose it will be: an address without the id that it has with a member.
    #[must_use]
    pub fn unbound(&self) -> Factor {
        let proof = match &self.proof {
            Proof::MagicLink { email_address, .. } => {
                Proof::MagicLink { email_id: None, email_address: email_address.clone() }
            }
            Proof::EmailOtp { email_address, .. } => {
                Proof::EmailOtp { email_id: None, email_address: email_address.clone() }
            }
            other => other.clone(),
        };
        Factor { proof, ..self.clone() }
    }

    fn wire_type(&self) -> &'static str {
        match self.proof {
            Proof::MagicLink { .. } => "magic_link",
            Proof::EmailOtp { .. } => "email_otp",
            Proof::Password { .. } => "password",
            Proof::SmsOtp { .. } => "otp",
            Proof::Totp { .. } => "totp",
            Proof::RecoveryCode { .. } => "recovery_codes",
            Proof::TrustedAuthToken { .. } => "trusted_auth_token",
            Proof::Imported => "imported",
            Proof::Impersonation { .. } => "impersonated",
        }
    }

    fn delivery_method(&self) -> &'static str {
        match self.proof {
            Proof::MagicLink { .. } | Proof::EmailOtp { .. } => "email",
            Proof::Password { .. } => "knowledge",
            Proof::SmsOtp { .. } => "sms",
            Proof::Totp { .. } => "authenticator_app",
            Proof::RecoveryCode { .. } => "recovery_code",
            Proof::TrustedAuthToken { .. } => "trusted_token_exchange",
            Proof::Imported => "imported_auth0",
            Proof::Impersonation { .. } => "impersonation",
        }
    }
}

impl Proof {
    /// Whether both prove the same thing. A password that was set is the same one when it is entered.
    fn is_same(&self, other: &Proof) -> bool {
        match (self, other) {
            (Proof::Password { password_id, .. }, Proof::Password { password_id: other, .. }) => {
                password_id == other
            }
            _ => self == other,
        }
    }

    /// Takes over what another proof of the same thing proves beside it.
    fn absorb(&mut self, other: Proof) {
        if let (Proof::Password { verified_email: known, .. }, Proof::Password { verified_email, .. }) =
            (self, other)
            && verified_email.is_some()
        {
            *known = verified_email;
        }
    }
}

/// Adds factors to those of a session: a factor that was there already is renewed, a new one is appended.
pub fn merge(factors: &mut Vec<Factor>, added: impl IntoIterator<Item = Factor>) {
    for factor in added {
        match factors.iter_mut().find(|known| known.proof.is_same(&factor.proof)) {
            Some(known) => {
                known.last_authenticated_at = known.last_authenticated_at.max(factor.last_authenticated_at);
                known.proof.absorb(factor.proof);
            }
            None => factors.push(factor),
        }
    }
}

/// A factor in the form of the wire (`AuthenticationFactor` in the contracts).
pub struct WireFactor<'a>(pub &'a Factor);

impl Serialize for WireFactor<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let factor = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", factor.wire_type())?;
        map.serialize_entry("delivery_method", factor.delivery_method())?;
        map.serialize_entry("last_authenticated_at", &factor.last_authenticated_at)?;
        map.serialize_entry("created_at", &factor.created_at)?;
        map.serialize_entry("updated_at", &factor.last_authenticated_at)?;
        map.serialize_entry(
            "sequence_order",
            match factor.sequence_order() {
                SequenceOrder::Primary => "PRIMARY",
                SequenceOrder::Secondary => "SECONDARY",
            },
        )?;
        match &factor.proof {
            Proof::MagicLink { email_id, email_address } | Proof::EmailOtp { email_id, email_address } => {
                let email_id = email_id.map(|id| id.to_string()).unwrap_or_default();
                map.serialize_entry(
                    "email_factor",
                    &serde_json::json!({ "email_id": email_id, "email_address": email_address }),
                )?;
            }
            // Nothing stands beside the type of these (spec 01b §7).
            Proof::Password { .. } | Proof::Imported => {}
            Proof::TrustedAuthToken { token_id } => {
                map.serialize_entry(
                    "trusted_auth_token_factor",
                    &serde_json::json!({ "token_id": token_id }),
                )?;
            }
            Proof::Impersonation { impersonator_id, impersonator_email_address } => map.serialize_entry(
                "impersonated_factor",
                &serde_json::json!({
                    "impersonator_id": impersonator_id,
                    "impersonator_email_address": impersonator_email_address,
                }),
            )?,
            Proof::SmsOtp { phone_id, phone_number } => map.serialize_entry(
                "phone_number_factor",
                &serde_json::json!({ "phone_id": phone_id, "phone_number": phone_number }),
            )?,
            Proof::Totp { totp_id } => {
                map.serialize_entry("authenticator_app_factor", &serde_json::json!({ "totp_id": totp_id }))?;
            }
            Proof::RecoveryCode { recovery_code_id } => map.serialize_entry(
                "recovery_code_factor",
                &serde_json::json!({ "totp_recovery_code_id": recovery_code_id }),
            )?,
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::EnvironmentKind::Test;
    use uuid::Uuid;

    fn password(id: u128, is_shared: bool, verified_email: Option<&str>, now: i64) -> Factor {
        let proof = Proof::Password {
            password_id: MemberPasswordId::new(Uuid::from_u128(id), Test),
            is_shared,
            verified_email: verified_email.map(str::to_owned),
        };
        Factor::new(proof, Timestamp::from_micros(now))
    }

    #[test]
    fn a_password_is_a_first_factor_and_carries_over_only_when_it_is_shared() {
        for is_shared in [false, true] {
            let factor = password(1, is_shared, None, 0);
            assert_eq!(factor.auth_method(), Some(AuthMethod::Password));
            assert_eq!((factor.mfa_method(), factor.verified_email()), (None, None));
            assert_eq!(factor.is_transferable(), is_shared);
        }
    }

    #[test]
    fn a_password_that_is_entered_again_is_the_same_factor_and_keeps_what_it_proves() {
        let set = password(1, false, Some("ada@acme.example"), 1);
        let entered = password(1, false, None, 2);
        for (first, second) in [(&set, &entered), (&entered, &set)] {
            let mut factors = vec![first.clone()];
            merge(&mut factors, [second.clone(), password(2, false, None, 3)]);
            assert_eq!(factors.len(), 2);
            assert_eq!(factors[0].verified_email(), Some("ada@acme.example"));
            assert_eq!(factors[0].last_authenticated_at, Timestamp::from_micros(2));
        }
    }

    #[test]
    fn what_others_vouch_for_is_a_first_factor_of_one_session_only() {
        let impersonation = Proof::Impersonation {
            impersonator_id: "workspace-key-prod-1".into(),
            impersonator_email_address: "grace@ostiary.example".into(),
        };
        let token = Proof::TrustedAuthToken { token_id: "t-1".into() };
        for (proof, kind, delivery, nested, is_vouched) in [
            (token, "trusted_auth_token", "trusted_token_exchange", Some("trusted_auth_token_factor"), true),
            (Proof::Imported, "imported", "imported_auth0", None, true),
            (impersonation, "impersonated", "impersonation", Some("impersonated_factor"), false),
        ] {
            let factor = Factor::new(proof, Timestamp::from_micros(0));
            assert_eq!(factor.sequence_order(), SequenceOrder::Primary);
            assert_eq!(
                (factor.auth_method(), factor.mfa_method(), factor.verified_email()),
                (None, None, None)
            );
            assert!(!factor.is_transferable());
            assert_eq!(factor.is_vouched(), is_vouched);
            let wire = serde_json::to_value(WireFactor(&factor)).unwrap();
            assert_eq!((&wire["type"], &wire["delivery_method"]), (&kind.into(), &delivery.into()));
            assert!(nested.is_none_or(|nested| wire[nested].is_object()), "{wire}");
        }
    }

    #[test]
    fn a_password_is_knowledge_and_nothing_more_on_the_wire() {
        let wire =
            serde_json::to_value(WireFactor(&password(1, false, Some("ada@acme.example"), 0))).unwrap();
        assert_eq!((&wire["type"], &wire["delivery_method"]), (&"password".into(), &"knowledge".into()));
        assert_eq!(wire.as_object().unwrap().len(), 6);
    }
}
