"""Second factors through the SDK's strict models."""

import base64
import hashlib
import hmac
import struct
import time

import pytest
from conftest import refuses

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def totp(secret: str, steps: int = 0) -> str:
    """The code of an authenticator app (RFC 6238), some steps from now."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    return str((struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000).zfill(6)


@pytest.fixture
def somebody(actors):
    organization = actors.organization(mfa_policy="REQUIRED_FOR_ALL")
    return organization, actors.member(organization)


def test_a_phone_is_enrolled_and_asked_for(actors, somebody):
    organization, member = somebody
    ids = {"organization_id": organization.organization_id, "member_id": member.member_id}
    login = actors.sign_in(organization, member)
    assert not login.member_authenticated and login.member_session is None
    assert login.mfa_required.member_options is None
    assert login.mfa_required.secondary_auth_initiated is None
    ist = login.intermediate_session_token
    phone = "+12025550111"
    sms = actors.stytch.otps.sms
    sent = sms.send(**ids, mfa_phone_number=phone, locale="de-DE", intermediate_session_token=ist)
    assert sent.member.mfa_phone_number == phone and not sent.member.mfa_phone_number_verified
    message = actors.server.last_message(phone)
    assert "Ihr Code" in message["text"]
    with refuses(404, "otp_code_not_found"):
        sms.authenticate(**ids, code=f"{(int(message['code']) + 1) % 1_000_000:06}", intermediate_session_token=ist)
    auth = sms.authenticate(
        **ids, code=message["code"], intermediate_session_token=ist, session_custom_claims={"plan": "gold"}
    )
    assert auth.member.mfa_phone_number_verified and auth.member.mfa_enrolled
    assert auth.member.default_mfa_method == "sms_otp"
    assert auth.member_session.custom_claims == {"plan": "gold"}
    first, second = auth.member_session.authentication_factors
    assert (first.type, second.type, second.delivery_method) == ("magic_link", "otp", "sms")
    assert second.phone_number_factor.phone_number == phone

    login = actors.sign_in(organization, member)
    assert login.mfa_required.secondary_auth_initiated == "sms_otp"
    assert login.mfa_required.member_options.mfa_phone_number == phone
    deleted = actors.stytch.organizations.members.delete_mfa_phone_number(**ids)
    assert deleted.member.mfa_phone_number == ""
    with refuses(404, "member_phone_number_not_found"):
        actors.stytch.organizations.members.delete_mfa_phone_number(**ids)


def test_an_app_is_enrolled_used_and_stood_in_for(actors, somebody):
    organization, member = somebody
    ids = {"organization_id": organization.organization_id, "member_id": member.member_id}
    stytch = actors.stytch
    ist = actors.sign_in(organization, member).intermediate_session_token
    created = stytch.totps.create(**ids, expiration_minutes=5, intermediate_session_token=ist)
    assert created.qr_code.startswith("data:image/png;base64,")
    assert len(created.recovery_codes) == 10
    with refuses(400, "pending_totp_exists"):
        stytch.totps.create(**ids, intermediate_session_token=ist)
    auth = stytch.totps.authenticate(**ids, code=totp(created.secret), intermediate_session_token=ist)
    factor = auth.member_session.authentication_factors[1]
    assert (factor.type, factor.delivery_method) == ("totp", "authenticator_app")
    assert factor.authenticator_app_factor.totp_id == created.totp_registration_id
    # The step after the present one is within reach of clocks that differ.
    code = totp(created.secret, steps=1)
    again = stytch.totps.authenticate(**ids, code=code, session_jwt=auth.session_jwt, set_mfa_enrollment="enroll")
    assert again.session_token == auth.session_token
    with refuses(401, "totp_code_already_authenticated"):
        stytch.totps.authenticate(**ids, code=code, session_token=auth.session_token)

    login = actors.sign_in(organization, member)
    assert login.mfa_required.member_options.totp_registration_id == created.totp_registration_id
    recovered = stytch.recovery_codes.recover(
        **ids,
        recovery_code=created.recovery_codes[0],
        intermediate_session_token=login.intermediate_session_token,
    )
    assert recovered.recovery_codes_remaining == 9
    factor = recovered.member_session.authentication_factors[1]
    assert (factor.type, factor.delivery_method) == ("recovery_codes", "recovery_code")
    assert factor.recovery_code_factor.totp_recovery_code_id
    assert stytch.recovery_codes.get(**ids).recovery_codes == created.recovery_codes[1:]
    assert len(stytch.recovery_codes.rotate(**ids).recovery_codes) == 10
    assert stytch.organizations.members.delete_totp(**ids).member.totp_registration_id == ""
    with refuses(404, "recovery_codes_not_found"):
        stytch.recovery_codes.get(**ids)


def test_an_app_is_imported(actors, somebody):
    organization, member = somebody
    ids = {"organization_id": organization.organization_id, "member_id": member.member_id}
    migrated = actors.stytch.totps.migrate(**ids, secret=SECRET, recovery_codes=["old-1", "old-2"])
    assert migrated.recovery_codes == ["old-1", "old-2"]
    assert migrated.member.totp_registration_id == migrated.totp_registration_id
    with refuses(400, "active_totp_exists"):
        actors.stytch.totps.migrate(**ids, secret=SECRET, recovery_codes=[])
