//! The login decision: what a set of factors is worth in one organization.
//!
//! Every way to sign in ends here. Ada has followed a magic link of Acme, which requires a second factor of all
//! its members: [`decide`] answers [`Verdict::Intermediate`] with the second factors that she has. She enters the
//! code of her authenticator app, and the same function, called with both factors, answers [`Verdict::Session`].
//!
//! The function takes values and gives a value; who calls it creates the session, sends the text message, or
//! answers what is missing.

use crate::factor::{Factor, Proof};
use crate::ids::{MemberPasswordId, TotpId};
use crate::member::{Member, MfaPhone};
use crate::mfa;
use crate::organization::{AuthMethod, MfaMethod, MfaPolicy, OrganizationSettings};

/// What the decision needs to know of the one who signs in. A person who is not a member yet is described by
/// [`MemberFacts::newcomer`].
#[derive(Clone, Debug, PartialEq)]
pub struct MemberFacts {
    /// The address of the membership.
    pub email_address: String,
    /// Whether control of that address was proven at any time.
    pub email_verified: bool,
    /// Exempt from restrictions of methods, but not from the MFA policy.
    pub is_breakglass: bool,
    /// Needs a second factor even where the organization requires none.
    pub mfa_enrolled: bool,
    /// The phone number, which may be unproven.
    pub phone: Option<MfaPhone>,
    /// The password; another one counts for nothing, also one that was this member's.
    pub password_id: Option<MemberPasswordId>,
    /// The registered authenticator app.
    pub totp_id: Option<TotpId>,
    /// The second factor that is offered first.
    pub default_mfa_method: Option<MfaMethod>,
    /// Whether the call also carried a valid full session of this member, which stands for the second factor
    /// (spec 01c §3).
    pub has_own_session: bool,
}

impl MemberFacts {
    /// The facts of a member.
    pub fn of(member: &Member) -> Self {
        MemberFacts {
            email_address: member.email_address.clone(),
            email_verified: member.email_verified,
            is_breakglass: member.is_breakglass,
            mfa_enrolled: member.mfa_enrolled,
            phone: member.mfa_phone.clone(),
            password_id: member.password_id,
            totp_id: member.totp_id,
            default_mfa_method: member.default_mfa_method,
            has_own_session: false,
        }
    }

    /// Whether a second factor is one that the member has now: one of a number or an app that is gone, or of another
    /// member, proves nothing. Recovery codes have the id of the app that they stand in for.
    pub fn owns_second_factor(&self, factor: &Factor) -> bool {
        match &factor.proof {
            Proof::SmsOtp { phone_id, .. } => self.phone.as_ref().is_some_and(|phone| phone.id == *phone_id),
            Proof::Totp { totp_id } => self.totp_id == Some(*totp_id),
            Proof::RecoveryCode { recovery_code_id } => {
                self.totp_id.is_some_and(|totp_id| totp_id.uuid() == recovery_code_id.uuid())
            }
            _ => false,
        }
    }

    /// The facts of someone who would join with this address.
    pub fn newcomer(email_address: &str) -> Self {
        MemberFacts {
            email_address: email_address.to_owned(),
            email_verified: false,
            is_breakglass: false,
            mfa_enrolled: false,
            phone: None,
            password_id: None,
            totp_id: None,
            default_mfa_method: None,
            has_own_session: false,
        }
    }
}

/// What a second factor could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MfaRequired {
    /// The factors that the member has and may use here; `None` when one must be enrolled first.
    pub options: Option<MfaOptions>,
    /// The number to which a code should be sent at once (spec 01c §3, automatic SMS).
    pub send_sms: Option<MfaPhone>,
}

/// The second factors that a member can complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MfaOptions {
    /// The phone number, or empty.
    pub phone_number: String,
    /// The authenticator app.
    pub totp_id: Option<TotpId>,
}

/// What the factors are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is proven.
    Session,
    /// Something is missing. When a first factor is missing it comes first; the second is judged all the same, so
    /// that a client can prepare for it.
    Intermediate {
        /// The first factors of which one must be proven, when none fits yet.
        primary_required: Option<Vec<AuthMethod>>,
        /// The second factor that must be proven.
        mfa_required: Option<MfaRequired>,
    },
}

impl Verdict {
    /// Whether nothing is missing.
    pub fn is_session(&self) -> bool {
        *self == Verdict::Session
    }
}

/// Judges factors against the rules of an organization (spec 01b §6, 01c §3). The order of the factors does not
/// matter; factors of other addresses count for nothing.
pub fn decide(rules: &OrganizationSettings, member: &MemberFacts, factors: &[Factor]) -> Verdict {
    let primary_required = missing_primary(rules, member, factors);
    let mfa_required = missing_second_factor(rules, member, factors);
    if primary_required.is_none() && mfa_required.is_none() {
        Verdict::Session
    } else {
        Verdict::Intermediate { primary_required, mfa_required }
    }
}

fn missing_primary(
    rules: &OrganizationSettings,
    member: &MemberFacts,
    factors: &[Factor],
) -> Option<Vec<AuthMethod>> {
    // Someone whose address was never proven must prove it in this login (spec 01b §6 b).
    let must_prove_email = !member.email_verified;
    let satisfies = |factor: &Factor| {
        if factor.is_vouched() {
            return true;
        }
        let Some(method) = factor.auth_method() else { return false };
        let of_this_member = factor.verified_email().is_none_or(|email| email == member.email_address)
            && factor.password_id().is_none_or(|id| member.password_id == Some(id));
        let proves_enough = !must_prove_email || factor.verified_email() == Some(&member.email_address);
        of_this_member && proves_enough && rules.allows_auth_method(method, member.is_breakglass)
    };
    if factors.iter().any(satisfies) {
        return None;
    }
    let mut methods = rules.usable_auth_methods(member.is_breakglass);
    if must_prove_email {
        methods.retain(|method| method.verifies_email());
    }
    Some(methods)
}

fn missing_second_factor(
    rules: &OrganizationSettings,
    member: &MemberFacts,
    factors: &[Factor],
) -> Option<MfaRequired> {
    let required = rules.mfa_policy == MfaPolicy::RequiredForAll || member.mfa_enrolled;
    if !required || member.has_own_session || mfa::proves_own(rules, member, factors) {
        return None;
    }
    let usable = |method| rules.allows_mfa_method(method, member.is_breakglass);
    let totp_id = member.totp_id.filter(|_| usable(MfaMethod::Totp));
    // A number that was never proven can only become the first factor (see `mfa::may_enrol`).
    let phone = member
        .phone
        .clone()
        .filter(|phone| usable(MfaMethod::SmsOtp) && (phone.verified || totp_id.is_none()));
    let options = (phone.is_some() || totp_id.is_some()).then(|| MfaOptions {
        phone_number: phone.as_ref().map(|phone| phone.number.clone()).unwrap_or_default(),
        totp_id,
    });
    let prefers_totp = totp_id.is_some() && member.default_mfa_method == Some(MfaMethod::Totp);
    Some(MfaRequired { options, send_sms: phone.filter(|_| !prefers_totp) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factor::Proof;
    use crate::ids::{EnvironmentKind::Test, MemberPasswordId, PhoneId, RecoveryCodeId};
    use crate::organization::MethodRule;
    use crate::time::Timestamp;
    use uuid::Uuid;

    const ADA: &str = "ada@acme.example";

    fn factor(proof: Proof) -> Factor {
        Factor::new(proof, Timestamp::from_micros(0))
    }
    fn link(email: &str) -> Factor {
        factor(Proof::MagicLink { email_id: None, email_address: email.into() })
    }
    fn code(email: &str) -> Factor {
        factor(Proof::EmailOtp { email_id: None, email_address: email.into() })
    }
    fn password_id(number: u128) -> MemberPasswordId {
        MemberPasswordId::new(Uuid::from_u128(number), Test)
    }
    fn password(number: u128, verified_email: Option<&str>) -> Factor {
        let verified_email = verified_email.map(str::to_owned);
        factor(Proof::Password { password_id: password_id(number), is_shared: false, verified_email })
    }
    fn totp() -> Factor {
        factor(Proof::Totp { totp_id: TotpId::new(Uuid::from_u128(1), Test) })
    }
    fn recovery(id: u128) -> Factor {
        factor(Proof::RecoveryCode { recovery_code_id: RecoveryCodeId::new(Uuid::from_u128(id), Test) })
    }
    fn sms() -> Factor {
        sms_by(2)
    }
    fn sms_by(phone_id: u128) -> Factor {
        factor(Proof::SmsOtp {
            phone_id: PhoneId::new(Uuid::from_u128(phone_id), Test),
            phone_number: "+12025550123".into(),
        })
    }
    fn phone(verified: bool) -> Option<MfaPhone> {
        Some(MfaPhone { id: PhoneId::new(Uuid::from_u128(2), Test), number: "+12025550123".into(), verified })
    }
    fn ada() -> MemberFacts {
        MemberFacts { email_verified: true, password_id: Some(password_id(3)), ..MemberFacts::newcomer(ADA) }
    }
    /// Ada with a phone and an app, both proven.
    fn equipped() -> MemberFacts {
        MemberFacts { phone: phone(true), totp_id: Some(TotpId::new(Uuid::from_u128(1), Test)), ..ada() }
    }
    fn rules() -> OrganizationSettings {
        OrganizationSettings::default()
    }
    fn only(methods: &[AuthMethod]) -> OrganizationSettings {
        OrganizationSettings {
            auth_methods: MethodRule::Restricted,
            allowed_auth_methods: methods.to_vec(),
            ..rules()
        }
    }
    fn mfa_for_all() -> OrganizationSettings {
        OrganizationSettings { mfa_policy: MfaPolicy::RequiredForAll, ..rules() }
    }
    fn missing(verdict: Verdict) -> (Option<Vec<AuthMethod>>, Option<MfaRequired>) {
        match verdict {
            Verdict::Session => (None, None),
            Verdict::Intermediate { primary_required, mfa_required } => (primary_required, mfa_required),
        }
    }

    #[test]
    fn one_allowed_primary_factor_of_the_right_address_is_enough() {
        assert!(decide(&rules(), &ada(), &[link(ADA)]).is_session());
        assert!(decide(&rules(), &ada(), &[code(ADA)]).is_session());
        assert!(decide(&rules(), &MemberFacts::newcomer(ADA), &[code(ADA)]).is_session());
    }

    #[test]
    fn a_factor_of_another_address_counts_for_nothing() {
        let (primary, _) = missing(decide(&rules(), &ada(), &[link("eve@acme.example")]));
        assert!(primary.is_some());
    }

    #[test]
    fn a_password_is_enough_where_the_address_was_proven_before_or_in_setting_it() {
        assert!(decide(&rules(), &ada(), &[password(3, None)]).is_session());
        let unproven = MemberFacts { email_verified: false, ..ada() };
        assert!(!decide(&rules(), &unproven, &[password(3, None)]).is_session());
        assert!(decide(&rules(), &unproven, &[password(3, Some(ADA))]).is_session());
        assert!(!decide(&only(&[AuthMethod::MagicLink]), &ada(), &[password(3, Some(ADA))]).is_session());
        let (primary, _) = missing(decide(&rules(), &unproven, &[password(3, None)]));
        assert!(!primary.unwrap().contains(&AuthMethod::Password));
    }

    #[test]
    fn only_the_password_that_the_member_has_now_counts() {
        let without = MemberFacts { password_id: None, ..ada() };
        for (member, number) in [(ada(), 4), (without.clone(), 3), (without, 4)] {
            assert!(!decide(&rules(), &member, &[password(number, None)]).is_session());
            assert!(!decide(&rules(), &member, &[password(number, Some(ADA))]).is_session());
        }
    }

    #[test]
    fn a_forbidden_method_asks_for_the_allowed_ones() {
        let (primary, mfa) =
            missing(decide(&only(&[AuthMethod::Sso, AuthMethod::Password]), &ada(), &[link(ADA)]));
        assert_eq!((primary, mfa), (Some(vec![AuthMethod::Sso, AuthMethod::Password]), None));
    }

    #[test]
    fn a_newcomer_is_offered_only_methods_that_prove_the_address() {
        let newcomer = MemberFacts::newcomer(ADA);
        let (primary, _) =
            missing(decide(&only(&[AuthMethod::Sso, AuthMethod::Password]), &newcomer, &[link(ADA)]));
        assert_eq!(primary, Some(vec![AuthMethod::Sso]));
    }

    #[test]
    fn break_glass_skips_method_restrictions_but_not_the_mfa_policy() {
        let member = MemberFacts { is_breakglass: true, ..ada() };
        assert!(decide(&only(&[AuthMethod::Sso]), &member, &[link(ADA)]).is_session());
        assert!(!decide(&mfa_for_all(), &member, &[link(ADA)]).is_session());
    }

    #[test]
    fn policy_or_enrolment_requires_a_second_factor() {
        for (rules, mfa_enrolled) in [(mfa_for_all(), false), (rules(), true)] {
            let bare = MemberFacts { mfa_enrolled, ..ada() };
            let (primary, mfa) = missing(decide(&rules, &bare, &[link(ADA)]));
            assert_eq!(primary, None);
            assert_eq!(mfa, Some(MfaRequired { options: None, send_sms: None }));
            let member = MemberFacts { mfa_enrolled, ..equipped() };
            for second in [sms(), totp(), recovery(1)] {
                assert!(decide(&rules, &member, &[link(ADA), second.clone()]).is_session());
                assert!(!decide(&rules, &member, &[second]).is_session(), "a second factor alone is nothing");
            }
        }
    }

    #[test]
    fn a_second_factor_of_somebody_else_or_of_earlier_counts_for_nothing() {
        for (member, second) in [
            (equipped(), sms_by(3)),
            (equipped(), recovery(3)),
            (MemberFacts { totp_id: None, ..equipped() }, totp()),
            (MemberFacts { totp_id: None, ..equipped() }, recovery(1)),
            (MemberFacts { phone: None, ..equipped() }, sms()),
        ] {
            assert!(!decide(&mfa_for_all(), &member, &[link(ADA), second]).is_session());
        }
    }

    #[test]
    fn an_own_session_stands_for_the_second_factor() {
        let member = MemberFacts { has_own_session: true, ..ada() };
        assert!(decide(&mfa_for_all(), &member, &[link(ADA)]).is_session());
    }

    #[test]
    fn sms_is_sent_unless_totp_is_preferred_or_sms_forbidden_or_the_number_new_beside_an_app() {
        let both = equipped();
        let prefers_totp = MemberFacts { default_mfa_method: Some(MfaMethod::Totp), ..both.clone() };
        let no_sms = OrganizationSettings {
            mfa_methods: MethodRule::Restricted,
            allowed_mfa_methods: vec![MfaMethod::Totp],
            ..mfa_for_all()
        };
        for (rules, member, sends, number) in [
            (mfa_for_all(), both.clone(), true, "+12025550123"),
            (mfa_for_all(), prefers_totp, false, "+12025550123"),
            (mfa_for_all(), MemberFacts { phone: phone(false), ..ada() }, true, "+12025550123"),
            (mfa_for_all(), MemberFacts { phone: phone(false), ..both.clone() }, false, ""),
            (no_sms, both, false, ""),
        ] {
            let mfa = missing(decide(&rules, &member, &[link(ADA)])).1.unwrap();
            assert_eq!(mfa.send_sms.is_some(), sends);
            assert_eq!(mfa.options.unwrap().phone_number, number);
        }
    }

    #[test]
    fn a_forbidden_second_factor_does_not_count() {
        let rules = OrganizationSettings {
            mfa_methods: MethodRule::Restricted,
            allowed_mfa_methods: vec![MfaMethod::Totp],
            ..mfa_for_all()
        };
        assert!(!decide(&rules, &equipped(), &[link(ADA), sms()]).is_session());
        assert!(decide(&rules, &equipped(), &[link(ADA), totp()]).is_session());
        assert!(decide(&rules, &equipped(), &[link(ADA), recovery(1)]).is_session());
    }

    /// Every combination of rules, members and factors: the properties that must hold whatever the rules say.
    #[test]
    fn sweep_of_all_rules_and_factors() {
        let pool = [
            link(ADA),
            code(ADA),
            link("eve@acme.example"),
            password(3, None),
            sms(),
            sms_by(3),
            totp(),
            recovery(1),
        ];
        let method_sets: [&[AuthMethod]; 5] = [
            &[],
            &[AuthMethod::MagicLink],
            &[AuthMethod::EmailOtp],
            &[AuthMethod::Password],
            &[AuthMethod::Sso],
        ];
        let mfa_sets: [&[MfaMethod]; 3] = [&[], &[MfaMethod::SmsOtp], &[MfaMethod::Totp]];
        let restricted = |is_empty| if is_empty { MethodRule::AllAllowed } else { MethodRule::Restricted };
        let mut cases = 0;
        for methods in method_sets {
            for mfa_methods in mfa_sets {
                for mfa_policy in [MfaPolicy::Optional, MfaPolicy::RequiredForAll] {
                    let rules = OrganizationSettings {
                        auth_methods: restricted(methods.is_empty()),
                        allowed_auth_methods: methods.to_vec(),
                        mfa_methods: restricted(mfa_methods.is_empty()),
                        allowed_mfa_methods: mfa_methods.to_vec(),
                        mfa_policy,
                        ..OrganizationSettings::default()
                    };
                    for member in (0..64).map(member_of_flags) {
                        for chosen in 0..(1u32 << pool.len()) {
                            let factors: Vec<Factor> = (0..pool.len())
                                .filter(|index| chosen & (1 << index) != 0)
                                .map(|index| pool[index].clone())
                                .collect();
                            check_properties(&rules, &member, &factors);
                            cases += 1;
                        }
                    }
                }
            }
        }
        assert_eq!(cases, 5 * 3 * 2 * 64 * 256);
    }

    fn member_of_flags(flags: u8) -> MemberFacts {
        MemberFacts {
            email_verified: flags & 1 != 0,
            is_breakglass: flags & 2 != 0,
            mfa_enrolled: flags & 4 != 0,
            has_own_session: flags & 8 != 0,
            password_id: Some(password_id(3)),
            phone: equipped().phone.filter(|_| flags & 16 != 0),
            totp_id: equipped().totp_id.filter(|_| flags & 32 != 0),
            ..MemberFacts::newcomer(ADA)
        }
    }

    fn check_properties(rules: &OrganizationSettings, member: &MemberFacts, factors: &[Factor]) {
        let verdict = decide(rules, member, factors);
        let reversed: Vec<Factor> = factors.iter().rev().cloned().collect();
        assert_eq!(verdict, decide(rules, member, &reversed), "order must not matter");
        // A password that is only entered counts where the address was proven before.
        let first = factors.iter().any(|factor| {
            let proves_address = factor.verified_email() == Some(ADA);
            let is_known =
                member.email_verified && factor.verified_email().is_none() && factor.auth_method().is_some();
            let is_allowed = factor
                .auth_method()
                .is_some_and(|method| rules.allows_auth_method(method, member.is_breakglass));
            (proves_address || is_known) && is_allowed
        });
        let allows = |method| rules.allows_mfa_method(method, member.is_breakglass);
        let by_sms = member.phone.is_some() && allows(MfaMethod::SmsOtp) && factors.contains(&sms());
        let by_totp = member.totp_id.is_some()
            && allows(MfaMethod::Totp)
            && (factors.contains(&totp()) || factors.contains(&recovery(1)));
        let needs_second = rules.mfa_policy == MfaPolicy::RequiredForAll || member.mfa_enrolled;
        let second = !needs_second || by_sms || by_totp || member.has_own_session;
        assert_eq!(verdict.is_session(), first && second, "a session for nothing less and nothing more");
        let (primary_required, mfa_required) = missing(verdict);
        assert_eq!((primary_required.is_none(), mfa_required.is_none()), (first, second));
        if let Some(options) = mfa_required.and_then(|required| required.options) {
            assert!(options.phone_number.is_empty() || allows(MfaMethod::SmsOtp));
            assert!(options.totp_id.is_none() || allows(MfaMethod::Totp));
        }
    }
}
