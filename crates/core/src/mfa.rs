//! Second factors: who may enrol one, where a code is sent, and what a completed one changes (spec 01c §3).
//!
//! Ada has an authenticator app. Someone who has got hold of her mailbox signs in by link, is asked for a second
//! factor, and tries to enrol a phone of their own instead: [`may_enrol`] refuses, since nothing of Ada's app was
//! proven. The same rule is asked when the code of a factor that is not proven yet is entered, because Ada may have
//! enrolled her app in between.

use crate::error::ErrorType;
use crate::factor::{Factor, Proof};
use crate::login::MemberFacts;
use crate::member::{Member, MfaPhone};
use crate::organization::{MfaMethod, MfaPolicy, OrganizationSettings};
use crate::phone::PhoneNumber;
use crate::wire_enum;

/// Whether the organization lets the member use a method at all.
pub fn may_use(
    rules: &OrganizationSettings,
    member: &MemberFacts,
    method: MfaMethod,
) -> Result<(), ErrorType> {
    if rules.allows_mfa_method(method, member.is_breakglass) {
        Ok(())
    } else {
        Err(ErrorType::OperationRestrictedByMfaMethods)
    }
}

/// Whether a member may add a second factor of this kind. Who has one already must have proven it in what the call
/// brings along; `proven` is `None` when a backend brings nothing. Factors that the organization does not allow do not
/// count: their owner could not prove them (spec 01c §3).
pub fn may_enrol(
    rules: &OrganizationSettings,
    member: &MemberFacts,
    proven: Option<&[Factor]>,
    method: MfaMethod,
) -> Result<(), ErrorType> {
    may_use(rules, member, method)?;
    let allows = |method| rules.allows_mfa_method(method, member.is_breakglass);
    let has_phone = member.phone.as_ref().is_some_and(|phone| phone.verified) && allows(MfaMethod::SmsOtp);
    let has_totp = member.totp_id.is_some() && allows(MfaMethod::Totp);
    if (has_phone || has_totp) && !proven.is_some_and(|proven| proves_own(rules, member, proven)) {
        return Err(ErrorType::InsufficientFactors);
    }
    Ok(())
}

/// Whether one of the factors is a second factor that the member has and may use.
pub fn proves_own(rules: &OrganizationSettings, member: &MemberFacts, factors: &[Factor]) -> bool {
    factors.iter().any(|factor| {
        member.owns_second_factor(factor)
            && factor.mfa_method().is_some_and(|method| rules.allows_mfa_method(method, member.is_breakglass))
    })
}

/// Where a code goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsTarget {
    /// To the number that the member has.
    Own(MfaPhone),
    /// To a number that becomes the member's, unproven until its code is entered.
    Link(PhoneNumber),
}

/// Where a code goes when the call wishes a number. A proven number must be deleted before there can be another; one
/// that was never proven gives way, since it may have been mistyped (the pre-built sign-in page lets its user go back
/// and correct it).
pub fn sms_target(phone: Option<&MfaPhone>, wished: Option<PhoneNumber>) -> Result<SmsTarget, ErrorType> {
    match (phone, wished) {
        (None, None) => Err(ErrorType::MemberPhoneNumberNotFound),
        (Some(phone), None) => Ok(SmsTarget::Own(phone.clone())),
        (Some(phone), Some(wished)) if phone.number == wished.as_str() => Ok(SmsTarget::Own(phone.clone())),
        (Some(phone), Some(_)) if phone.verified => Err(ErrorType::DuplicateMemberPhoneNumberForMember),
        (_, Some(wished)) => Ok(SmsTarget::Link(wished)),
    }
}

wire_enum! {
    /// Whether the member wants to be asked for a second factor where the organization does not insist.
    SetEnrolment {
        /// Yes.
        Enroll = "enroll",
        /// No.
        Unenroll = "unenroll",
    }
}

/// What a call that completes a second factor may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Whether the member is asked for a second factor from now on; unchanged when absent.
    pub set_enrolment: Option<SetEnrolment>,
    /// Whether this factor is offered first from now on.
    pub set_default: bool,
}

/// Notes on the member that a second factor was completed: it is proven, it becomes the one that is offered first when
/// there was none or the call wishes so, and enrolment follows the organization's policy before the call's wish.
/// Recovery codes stand in for an app and are never offered first.
pub fn complete(member: &mut Member, policy: MfaPolicy, proof: &Proof, wishes: Wishes) {
    let method = match proof {
        Proof::SmsOtp { phone_id, .. } => {
            if let Some(phone) = member.mfa_phone.as_mut().filter(|phone| phone.id == *phone_id) {
                phone.verified = true;
            }
            Some(MfaMethod::SmsOtp)
        }
        Proof::Totp { totp_id } => {
            member.totp_id = Some(*totp_id);
            Some(MfaMethod::Totp)
        }
        _ => None,
    };
    if wishes.set_default || member.default_mfa_method.is_none() {
        member.default_mfa_method = method.or(member.default_mfa_method);
    }
    member.mfa_enrolled = match (policy, wishes.set_enrolment) {
        (MfaPolicy::RequiredForAll, _) => true,
        (MfaPolicy::Optional, Some(wish)) => wish == SetEnrolment::Enroll,
        (MfaPolicy::Optional, None) => member.mfa_enrolled,
    };
}

/// Takes the phone number away. The other factor, if there is a proven one, is offered first instead.
pub fn forget_phone(member: &mut Member) -> Option<MfaPhone> {
    let phone = member.mfa_phone.take()?;
    if member.default_mfa_method == Some(MfaMethod::SmsOtp) {
        member.default_mfa_method = member.totp_id.map(|_| MfaMethod::Totp);
    }
    Some(phone)
}

/// Takes the authenticator app away. The other factor, if there is a proven one, is offered first instead.
pub fn forget_totp(member: &mut Member) {
    member.totp_id = None;
    if member.default_mfa_method == Some(MfaMethod::Totp) {
        let has_phone = member.mfa_phone.as_ref().is_some_and(|phone| phone.verified);
        member.default_mfa_method = has_phone.then_some(MfaMethod::SmsOtp);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{EnvironmentKind::Test, PhoneId, RecoveryCodeId, TotpId};
    use crate::member::tests::ada;
    use crate::organization::MethodRule;
    use crate::time::Timestamp;
    use uuid::Uuid;

    const NUMBER: &str = "+12025550123";

    fn phone_id(number: u128) -> PhoneId {
        PhoneId::new(Uuid::from_u128(number), Test)
    }
    fn totp_id(number: u128) -> TotpId {
        TotpId::new(Uuid::from_u128(number), Test)
    }
    fn phone(verified: bool) -> MfaPhone {
        MfaPhone { id: phone_id(1), number: NUMBER.into(), verified }
    }
    fn factor(proof: Proof) -> Factor {
        Factor::new(proof, Timestamp::from_micros(0))
    }
    fn link() -> Factor {
        factor(Proof::MagicLink { email_id: None, email_address: "ada@acme.example".into() })
    }
    fn sms(id: u128) -> Factor {
        factor(Proof::SmsOtp { phone_id: phone_id(id), phone_number: NUMBER.into() })
    }
    fn totp(id: u128) -> Factor {
        factor(Proof::Totp { totp_id: totp_id(id) })
    }
    fn recovery(id: u128) -> Factor {
        factor(Proof::RecoveryCode { recovery_code_id: RecoveryCodeId::new(Uuid::from_u128(id), Test) })
    }
    fn only(method: MfaMethod) -> OrganizationSettings {
        OrganizationSettings {
            mfa_methods: MethodRule::Restricted,
            allowed_mfa_methods: vec![method],
            ..OrganizationSettings::default()
        }
    }

    /// Whether a member with these factors, who has proven those, may add one of this kind.
    fn check(
        rules: &OrganizationSettings,
        has: (Option<bool>, Option<u128>),
        proven: Option<&[Factor]>,
        method: MfaMethod,
    ) -> Result<(), ErrorType> {
        let mut member = MemberFacts::of(&ada());
        member.phone = has.0.map(phone);
        member.totp_id = has.1.map(totp_id);
        may_enrol(rules, &member, proven, method)
    }

    #[test]
    fn the_first_factor_needs_no_other() {
        let open = OrganizationSettings::default();
        for method in [MfaMethod::SmsOtp, MfaMethod::Totp] {
            for phone in [None, Some(false)] {
                assert_eq!(check(&open, (phone, None), None, method), Ok(()));
                assert_eq!(check(&open, (phone, None), Some(&[link()]), method), Ok(()));
            }
        }
    }

    #[test]
    fn a_second_factor_is_added_only_with_the_one_that_is_there() {
        let open = OrganizationSettings::default();
        let refused = Err(ErrorType::InsufficientFactors);
        for (has, proven, method, expected) in [
            ((Some(true), None), None, MfaMethod::Totp, refused),
            ((Some(true), None), Some(vec![]), MfaMethod::Totp, refused),
            ((Some(true), None), Some(vec![link()]), MfaMethod::Totp, refused),
            ((Some(true), None), Some(vec![link(), sms(2)]), MfaMethod::Totp, refused),
            ((Some(true), None), Some(vec![link(), totp(1)]), MfaMethod::Totp, refused),
            ((Some(true), None), Some(vec![link(), sms(1)]), MfaMethod::Totp, Ok(())),
            ((None, Some(7)), None, MfaMethod::SmsOtp, refused),
            ((None, Some(7)), Some(vec![link()]), MfaMethod::SmsOtp, refused),
            ((Some(false), Some(7)), Some(vec![link()]), MfaMethod::SmsOtp, refused),
            ((Some(false), Some(7)), Some(vec![link(), totp(8)]), MfaMethod::SmsOtp, refused),
            ((Some(false), Some(7)), Some(vec![link(), recovery(8)]), MfaMethod::SmsOtp, refused),
            ((Some(false), Some(7)), Some(vec![link(), totp(7)]), MfaMethod::SmsOtp, Ok(())),
            ((None, Some(7)), Some(vec![link(), recovery(7)]), MfaMethod::SmsOtp, Ok(())),
        ] {
            assert_eq!(check(&open, has, proven.as_deref(), method), expected, "{has:?} {proven:?}");
        }
    }

    #[test]
    fn a_factor_that_cannot_be_used_does_not_stand_in_the_way() {
        let only_totp = only(MfaMethod::Totp);
        assert_eq!(check(&only_totp, (Some(true), None), Some(&[link()]), MfaMethod::Totp), Ok(()));
        assert_eq!(
            check(&only_totp, (None, None), Some(&[link()]), MfaMethod::SmsOtp),
            Err(ErrorType::OperationRestrictedByMfaMethods)
        );
        // Members that are exempt from restrictions can use every factor, so every factor counts.
        let member = MemberFacts { is_breakglass: true, phone: Some(phone(true)), ..MemberFacts::of(&ada()) };
        assert_eq!(
            may_enrol(&only_totp, &member, Some(&[link()]), MfaMethod::Totp),
            Err(ErrorType::InsufficientFactors)
        );
    }

    /// Whatever a member has and whatever is proven: where a usable factor is there, nothing is added without it.
    #[test]
    fn sweep_nobody_gets_around_a_usable_factor() {
        let pool = [link(), sms(1), sms(2), totp(7), totp(8), recovery(7), recovery(8)];
        let mut cases = 0;
        for rules in [OrganizationSettings::default(), only(MfaMethod::Totp), only(MfaMethod::SmsOtp)] {
            for phone in [None, Some(false), Some(true)] {
                for totp in [None, Some(7)] {
                    for chosen in 0..(1u32 << pool.len()) {
                        let proven: Vec<Factor> = (0..pool.len())
                            .filter(|index| chosen & (1 << index) != 0)
                            .map(|index| pool[index].clone())
                            .collect();
                        for method in [MfaMethod::SmsOtp, MfaMethod::Totp] {
                            let allows = |method| rules.allows_mfa_method(method, false);
                            let by_sms = phone == Some(true) && allows(MfaMethod::SmsOtp);
                            let by_totp = totp.is_some() && allows(MfaMethod::Totp);
                            let proves = by_sms && proven.contains(&pool[1])
                                || by_totp && (proven.contains(&pool[3]) || proven.contains(&pool[5]))
                                || phone == Some(false)
                                    && allows(MfaMethod::SmsOtp)
                                    && proven.contains(&pool[1]);
                            let allowed = check(&rules, (phone, totp), Some(&proven), method);
                            let expected = allows(method) && (!(by_sms || by_totp) || proves);
                            assert_eq!(allowed.is_ok(), expected, "{phone:?} {totp:?} {proven:?} {method:?}");
                            cases += 1;
                        }
                    }
                }
            }
        }
        assert_eq!(cases, 3 * 3 * 2 * 128 * 2);
    }

    #[test]
    fn a_code_goes_to_the_own_number_or_to_one_that_may_become_it() {
        let wished = |text: &str| PhoneNumber::parse(text);
        let other = "+12025550124";
        let own = |verified| Ok(SmsTarget::Own(phone(verified)));
        let link = |text: &str| Ok(SmsTarget::Link(PhoneNumber::parse(text).unwrap()));
        for (has, wish, expected) in [
            (None, None, Err(ErrorType::MemberPhoneNumberNotFound)),
            (None, wished(NUMBER), link(NUMBER)),
            (Some(true), None, own(true)),
            (Some(false), None, own(false)),
            (Some(true), wished(NUMBER), own(true)),
            (Some(false), wished(NUMBER), own(false)),
            (Some(true), wished(other), Err(ErrorType::DuplicateMemberPhoneNumberForMember)),
            (Some(false), wished(other), link(other)),
        ] {
            assert_eq!(sms_target(has.map(phone).as_ref(), wish.clone()), expected, "{has:?} {wish:?}");
        }
    }

    #[test]
    fn completing_proves_the_factor_and_the_first_one_is_offered_first() {
        let mut member = ada();
        member.mfa_phone = Some(phone(false));
        complete(&mut member, MfaPolicy::Optional, &sms(1).proof, Wishes::default());
        assert!(member.mfa_phone.as_ref().is_some_and(|phone| phone.verified));
        assert_eq!((member.default_mfa_method, member.mfa_enrolled), (Some(MfaMethod::SmsOtp), false));
        complete(&mut member, MfaPolicy::Optional, &totp(7).proof, Wishes::default());
        assert_eq!((member.totp_id, member.default_mfa_method), (Some(totp_id(7)), Some(MfaMethod::SmsOtp)));
        let wishes = Wishes { set_default: true, ..Wishes::default() };
        complete(&mut member, MfaPolicy::Optional, &recovery(7).proof, wishes);
        assert_eq!(
            member.default_mfa_method,
            Some(MfaMethod::SmsOtp),
            "a recovery code is never offered first"
        );
        complete(&mut member, MfaPolicy::Optional, &totp(7).proof, wishes);
        assert_eq!(member.default_mfa_method, Some(MfaMethod::Totp));
    }

    #[test]
    fn enrolment_follows_the_policy_before_the_wish() {
        use SetEnrolment::{Enroll, Unenroll};
        for (policy, before, wish, after) in [
            (MfaPolicy::RequiredForAll, false, None, true),
            (MfaPolicy::RequiredForAll, true, Some(Unenroll), true),
            (MfaPolicy::Optional, false, None, false),
            (MfaPolicy::Optional, true, None, true),
            (MfaPolicy::Optional, false, Some(Enroll), true),
            (MfaPolicy::Optional, true, Some(Unenroll), false),
        ] {
            let mut member = ada();
            member.mfa_enrolled = before;
            let wishes = Wishes { set_enrolment: wish, set_default: false };
            complete(&mut member, policy, &totp(7).proof, wishes);
            assert_eq!(member.mfa_enrolled, after, "{policy:?} {before} {wish:?}");
        }
    }

    #[test]
    fn without_a_factor_the_other_one_is_offered_first() {
        let both = || {
            let mut member = ada();
            member.mfa_phone = Some(phone(true));
            member.totp_id = Some(totp_id(7));
            member
        };
        for (default, verified, after_phone, after_totp) in [
            (Some(MfaMethod::SmsOtp), true, Some(MfaMethod::Totp), Some(MfaMethod::SmsOtp)),
            (Some(MfaMethod::Totp), true, Some(MfaMethod::Totp), Some(MfaMethod::SmsOtp)),
            (Some(MfaMethod::Totp), false, Some(MfaMethod::Totp), None),
            (None, true, None, None),
        ] {
            let with = || Member { default_mfa_method: default, mfa_phone: Some(phone(verified)), ..both() };
            let mut member = with();
            assert!(forget_phone(&mut member).is_some() && forget_phone(&mut member).is_none());
            assert_eq!((member.mfa_phone, member.default_mfa_method), (None, after_phone));
            let mut member = with();
            forget_totp(&mut member);
            assert_eq!((member.totp_id, member.default_mfa_method), (None, after_totp));
        }
    }
}
