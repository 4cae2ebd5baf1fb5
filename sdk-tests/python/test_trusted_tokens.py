"""Tokens of a system that the project trusts, signed the way other systems sign."""

import time

import jwt
import pytest
import requests
from conftest import Server, refuses, serving, unique
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from stytch_management import Client

ISSUER = "https://legacy.example"


@pytest.fixture(scope="module")
def server():
    with serving("--tls") as server:
        yield server


@pytest.fixture(scope="module")
def operator(server: Server) -> Client:
    session = requests.Session()
    session.trust_env = False
    session.verify = server.credentials["https"]["authorityFile"]
    return Client(
        workspace_key_id=server.credentials["management_key_id"],
        workspace_key_secret=server.credentials["management_key_secret"],
        base_url=server.credentials["https"]["url"],
        session=session,
    )


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_tokens_of_a_trusted_system_sign_members_in(server: Server, operator: Client):
    project = operator.projects.get_all().projects[0].project_slug
    place = (project, operator.environments.get_all(project).environments[0].environment_slug)
    profiles, stytch = operator.trusted_token_profiles, server.client()
    keys = {"RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048), "ES256": ec.generate_private_key(ec.SECP256R1())}
    profile = profiles.create(
        *place,
        name="Legacy",
        audience="acme",
        issuer=ISSUER,
        pem_files=[pem(keys["RS256"])],
        can_jit_provision=True,
        attribute_mapping={"external_member_id": "sub", "token_id": "jti"},
        public_key_type="PEM",
    ).profile
    assert profiles.get(*place, profile.profile_id).profile == profile
    assert profile in profiles.get_all(*place).profiles
    added = profiles.create_pem_file(*place, profile.profile_id, public_key=pem(keys["ES256"])).pem_file
    assert profiles.get_pem_file(*place, profile.profile_id, added.pem_file_id).pem_file == added

    organization = unique("acme")
    for algorithm, key in keys.items():
        claims = {
            "iss": ISSUER,
            "aud": "acme",
            "exp": int(time.time()) + 60,
            "jti": unique("token"),
            "sub": "user-1",
            "email": "ada@acme.example",
            "organization_id": organization,
        }
        token = jwt.encode(claims, key, algorithm=algorithm)
        login = stytch.sessions.attest(profile_id=profile.profile_id, token=token, session_duration_minutes=30)
        assert (login.member.external_id, login.organization.organization_external_id) == ("user-1", organization)
        (factor,) = login.member_session.authentication_factors
        assert (factor.type, factor.trusted_auth_token_factor.token_id) == ("trusted_auth_token", claims["jti"])
        assert stytch.sessions.authenticate(session_token=login.session_token).member.member_id == login.member_id
        with refuses(401, "invalid_trusted_auth_token"):
            stytch.sessions.attest(profile_id=profile.profile_id, token=token)
        hostile = jwt.encode(claims | {"jti": unique("token"), "aud": "beta"}, key, algorithm=algorithm)
        with refuses(400, "jwt_invalid_audience"):
            stytch.sessions.attest(profile_id=profile.profile_id, token=hostile)

    changed = profiles.update(*place, profile.profile_id, name="Old", can_jit_provision=False).profile
    assert (changed.name, changed.can_jit_provision, len(changed.pem_files)) == ("Old", False, 2)
    profiles.delete_pem_file(*place, profile.profile_id, added.pem_file_id)
    with refuses(401, "invalid_trusted_auth_token"):
        stytch.sessions.attest(profile_id=profile.profile_id, token=jwt.encode(claims, keys["ES256"], algorithm="ES256"))
    profiles.delete(*place, profile.profile_id)
    with refuses(404, "trusted_token_profile_not_found"):
        stytch.sessions.attest(profile_id=profile.profile_id, token="x")


def test_what_is_not_set_up_says_so(server: Server):
    stytch = server.client()
    organization = stytch.organizations.create(organization_name="Acme").organization.organization_id
    with refuses(400, "migrate_from_external_missing_userinfo"):
        stytch.sessions.migrate(session_token="old", organization_id=organization)
    with refuses(400, "oauth_access_token_exchange_token_invalid_grant"):
        stytch.sessions.exchange_access_token(access_token="x")
