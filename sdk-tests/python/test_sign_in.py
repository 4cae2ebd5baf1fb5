"""Links, codes, discovery and sessions through the SDK's strict models, synchronous and asynchronous."""

import asyncio
import base64
import hashlib
import secrets

import pytest
from conftest import REDIRECT_URL, refuses, token_in, unique_email


def test_a_magic_link_signs_in_once(actors):
    organization = actors.organization()
    member = actors.member(organization)
    auth = actors.sign_in(organization, member, session_duration_minutes=30, session_custom_claims={"plan": "gold"})
    assert auth.member_authenticated
    assert auth.member.email_address_verified
    assert auth.member_session.custom_claims == {"plan": "gold"}
    assert (auth.member_session.expires_at - auth.member_session.started_at).total_seconds() == 30 * 60
    (factor,) = auth.member_session.authentication_factors
    assert (factor.type, factor.delivery_method) == ("magic_link", "email")
    assert factor.email_factor.email_address == member.email_address

    token = token_in(actors.server.last_message(member.email_address))
    with refuses(401, "unable_to_auth_magic_link"):
        actors.stytch.magic_links.authenticate(token)
    with refuses(404, "magic_link_not_found"):
        actors.stytch.magic_links.authenticate("x" * 44)


def test_an_invitation_is_accepted(actors):
    organization = actors.organization()
    email = unique_email()
    invited = actors.stytch.magic_links.email.invite(
        organization.organization_id, email, invite_redirect_url=REDIRECT_URL, name="Ada"
    )
    assert (invited.member.status, invited.member.name) == ("invited", "Ada")
    auth = actors.stytch.magic_links.authenticate(token_in(actors.server.last_message(email)))
    assert auth.member.status == "active"


def test_pkce_is_checked_and_a_refusal_uses_nothing_up(actors):
    email = unique_email()
    verifier = secrets.token_hex(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    actors.stytch.magic_links.email.discovery.send(
        email, discovery_redirect_url=REDIRECT_URL, pkce_code_challenge=challenge
    )
    token = token_in(actors.server.last_message(email))
    authenticate = actors.stytch.magic_links.discovery.authenticate
    with refuses(400, "pkce_expected_code_verifier"):
        authenticate(token)
    with refuses(400, "pkce_mismatch"):
        authenticate(token, pkce_code_verifier=secrets.token_hex(32))
    assert authenticate(token, pkce_code_verifier=verifier).email_address == email


def test_a_redirect_url_elsewhere_is_refused(actors):
    organization = actors.organization()
    member = actors.member(organization)
    with refuses(400, "no_match_for_provided_magic_link_url"):
        actors.stytch.magic_links.email.login_or_signup(
            organization.organization_id, member.email_address, login_redirect_url="https://elsewhere.example/"
        )
    assert actors.server.messages(member.email_address) == []


def test_codes_are_told_apart(actors):
    organization = actors.organization()
    email = actors.member(organization).email_address
    otp = actors.stytch.otps.email
    otp.login_or_signup(organization.organization_id, email)
    code = actors.server.last_message(email)["code"]

    with refuses(404, "otp_code_not_found"):
        otp.authenticate(organization.organization_id, email, "000001" if code == "000000" else "000000")
    with refuses(400, "invalid_code"):
        otp.authenticate(organization.organization_id, email, "12345")
    auth = otp.authenticate(organization.organization_id, email, code)
    assert auth.member_session.authentication_factors[0].type == "email_otp"
    with refuses(401, "unable_to_auth_otp_code"):
        otp.authenticate(organization.organization_id, email, code)


def test_discovery_makes_and_enters_organizations(actors):
    email = unique_email()
    otp, discovery = actors.stytch.otps.email.discovery, actors.stytch.discovery

    otp.send(email)
    proven = otp.authenticate(email, actors.server.last_message(email)["code"])
    assert proven.discovered_organizations == []
    created = discovery.organizations.create(proven.intermediate_session_token)
    assert created.member_authenticated and created.member.is_admin
    with refuses(404, "intermediate_session_not_found"):
        discovery.organizations.create(proven.intermediate_session_token)

    otp.send(email)
    again = otp.authenticate(email, actors.server.last_message(email, count=2)["code"])
    (found,) = discovery.organizations.list(
        intermediate_session_token=again.intermediate_session_token
    ).discovered_organizations
    assert found.membership.type == "active_member"
    entered = discovery.intermediate_sessions.exchange(
        again.intermediate_session_token, found.organization.organization_id
    )
    assert entered.member_id == created.member_id
    with refuses(400, "no_session_arguments"):
        discovery.organizations.list()


def test_a_second_factor_that_is_missing_parses(actors):
    organization = actors.organization(mfa_policy="REQUIRED_FOR_ALL")
    auth = actors.sign_in(organization, actors.member(organization))
    assert not auth.member_authenticated
    assert auth.member_session is None
    assert auth.mfa_required is not None
    assert auth.intermediate_session_token


def test_sessions_are_authenticated_listed_and_revoked(actors):
    sessions = actors.stytch.sessions
    auth = actors.signed_in()
    by_token = sessions.authenticate(session_token=auth.session_token, session_duration_minutes=120)
    by_jwt = sessions.authenticate(session_jwt=auth.session_jwt)
    session_id = auth.member_session.member_session_id
    assert {by_token.member_session.member_session_id, by_jwt.member_session.member_session_id} == {session_id}

    listed = sessions.get(auth.organization_id, auth.member_id).member_sessions
    assert [session.member_session_id for session in listed] == [session_id]
    sessions.revoke(member_session_id=session_id)
    with refuses(404, "session_not_found"):
        sessions.authenticate(session_token=auth.session_token)

    with refuses(400, "too_many_session_arguments"):
        sessions.authenticate(session_token="x", session_jwt="y")
    with refuses(400, "no_session_revoke_arguments"):
        sessions.revoke()


@pytest.mark.parametrize("argument", ["session_token", "session_jwt", "member_id"])
def test_a_session_is_revoked_by_each_argument(actors, argument):
    auth = actors.signed_in()
    actors.stytch.sessions.revoke(**{argument: getattr(auth, argument)})
    with refuses(404, "session_not_found"):
        actors.stytch.sessions.authenticate(session_token=auth.session_token)


def test_the_key_set_parses(actors):
    keys = actors.stytch.sessions.get_jwks(actors.server.credentials["project_id"]).keys
    assert keys and all((key.kty, key.alg) == ("RSA", "RS256") for key in keys)


def test_a_fresh_jwt_is_verified_without_a_call(actors):
    auth = actors.signed_in(session_custom_claims={"plan": "gold"})
    actors.stytch.sessions.revoke(session_token=auth.session_token)
    local = actors.stytch.sessions.authenticate_jwt(auth.session_jwt)
    assert local.request_id == ""
    assert local.member_session.member_session_id == auth.member_session.member_session_id
    assert local.member_session.authentication_factors == auth.member_session.authentication_factors
    assert local.member_session.custom_claims == {"plan": "gold"}
    with refuses(404, "session_not_found"):
        actors.stytch.sessions.authenticate_jwt(auth.session_jwt, max_token_age_seconds=0)


def test_the_asynchronous_client_does_the_same(server, actors):
    auth = actors.signed_in()

    async def run():
        async with server.client() as client:
            session = await client.sessions.authenticate_async(session_token=auth.session_token)
            local = await client.sessions.authenticate_jwt_async(auth.session_jwt)
            with refuses(404, "session_not_found"):
                await client.sessions.authenticate_async(session_token="x" * 44)
            found = await client.organizations.members.search_async([auth.organization_id])
            return session, local, found

    session, local, found = asyncio.run(run())
    assert session.member.member_id == local.member_session.member_id == auth.member_id
    assert [member.member_id for member in found.members] == [auth.member_id]
