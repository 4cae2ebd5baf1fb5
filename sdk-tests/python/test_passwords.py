"""Passwords through the SDK's strict models."""

import base64
import hashlib

import pytest
from conftest import REDIRECT_URL, refuses, token_in, unique_email
from stytch.b2b.models.passwords import MigrateRequestHashType
from stytch.consumer.models.passwords import (
    Argon2Config,
    MD5Config,
    PBKDF2Config,
    ScryptConfig,
    SHA1Config,
    SHA512Config,
)

PASSWORD = "correct horse battery staple"
BETTER = "seven quiet lighthouses at dawn"


@pytest.fixture
def member_with_password(actors):
    organization = actors.organization()
    email = actors.member(organization).email_address
    started = actors.stytch.passwords.email.reset_start(
        organization.organization_id, email, reset_password_redirect_url=REDIRECT_URL, login_redirect_url=REDIRECT_URL
    )
    assert started.member_email_id.startswith("email-test-")
    token = token_in(actors.server.last_message(email))
    reset = actors.stytch.passwords.email.reset(token, PASSWORD, session_duration_minutes=30)
    assert reset.member_email_id == started.member_email_id
    return organization.organization_id, email, reset


def test_strength_has_the_shape_of_its_policy(actors):
    weak = actors.stytch.passwords.strength_check("password")
    assert (weak.valid_password, weak.score, weak.strength_policy) == (False, 0, "zxcvbn")
    assert weak.luds_feedback is None
    assert weak.zxcvbn_feedback.warning and weak.zxcvbn_feedback.suggestions
    assert actors.stytch.passwords.strength_check(PASSWORD, email_address=unique_email()).valid_password


def test_a_password_signs_in_and_is_changed(actors, member_with_password):
    organization_id, email, reset = member_with_password
    passwords = actors.stytch.passwords
    assert reset.member_authenticated
    auth = passwords.authenticate(organization_id, email, PASSWORD)
    (factor,) = auth.member_session.authentication_factors
    assert (factor.type, factor.delivery_method) == ("password", "knowledge")
    with refuses(401, "unauthorized_credentials"):
        passwords.authenticate(organization_id, email, BETTER)
    changed = passwords.existing_password.reset(email, PASSWORD, BETTER, organization_id)
    assert changed.member_authenticated
    with refuses(404, "session_not_found"):
        actors.stytch.sessions.authenticate(auth.session_token)
    fresh = passwords.sessions.reset(organization_id, PASSWORD, session_token=changed.session_token)
    assert fresh.member_session.member_session_id == changed.member_session.member_session_id
    passwords.authenticate(organization_id, email, PASSWORD)


def test_a_link_works_once_and_a_weak_password_does_not_use_it_up(actors):
    organization = actors.organization()
    email = actors.member(organization).email_address
    actors.stytch.passwords.email.reset_start(organization.organization_id, email)
    token = token_in(actors.server.last_message(email))
    with refuses(400, "weak_password"):
        actors.stytch.passwords.email.reset(token, "password")
    actors.stytch.passwords.email.reset(token, PASSWORD)
    with refuses(401, "unable_to_auth_password_reset_token"):
        actors.stytch.passwords.email.reset(token, PASSWORD)


def test_a_password_is_deleted(actors, member_with_password):
    organization_id, email, reset = member_with_password
    deleted = actors.stytch.organizations.members.delete_password(organization_id, reset.member.member_password_id)
    assert deleted.member.member_password_id == ""
    with refuses(404, "member_password_not_found"):
        actors.stytch.passwords.authenticate(organization_id, email, PASSWORD)


def hexadecimal(algorithm: str, text: str) -> str:
    return hashlib.new(algorithm, text.encode()).hexdigest()


def key(derived: bytes) -> str:
    return base64.b64encode(derived).decode()


ARGON_2 = Argon2Config(salt="somesalt", iteration_amount=2, memory=256, threads=1, key_length=32)
ARGON_2ID = "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"
ARGON_2I = "89e9029f4637b295beb027056a7336c414fadd43f6b208645281cb214a56452f"


@pytest.mark.parametrize(
    ("hash_type", "text", "digest", "config"),
    [
        (MigrateRequestHashType.BCRYPT, "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", {}),
        (
            MigrateRequestHashType.MD_5,
            PASSWORD,
            hexadecimal("md5", f"a{PASSWORD}b"),
            {"md_5_config": MD5Config(prepend_salt="a", append_salt="b")},
        ),
        (
            MigrateRequestHashType.SHA_1,
            PASSWORD,
            hexadecimal("sha1", f"a{PASSWORD}b"),
            {"sha_1_config": SHA1Config(prepend_salt="a", append_salt="b")},
        ),
        (
            MigrateRequestHashType.SHA_512,
            PASSWORD,
            hexadecimal("sha512", f"a{PASSWORD}b"),
            {"sha_512_config": SHA512Config(prepend_salt="a", append_salt="b")},
        ),
        (
            MigrateRequestHashType.SCRYPT,
            PASSWORD,
            key(hashlib.scrypt(PASSWORD.encode(), salt=b"salt", n=1024, r=8, p=1, dklen=32)),
            {
                "scrypt_config": ScryptConfig(
                    salt="c2FsdA==", n_parameter=1024, r_parameter=8, p_parameter=1, key_length=32
                )
            },
        ),
        (
            MigrateRequestHashType.PBKDF_2,
            PASSWORD,
            key(hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"salt", 1000, 32)),
            {
                "pbkdf_2_config": PBKDF2Config(
                    salt="c2FsdA==", iteration_amount=1000, key_length=32, algorithm="sha256"
                )
            },
        ),
        (MigrateRequestHashType.PHPASS, "hashcat", "$P$984478476IagS59wHZvyQMArzfx58u.", {}),
        (MigrateRequestHashType.ARGON_2I, "password", ARGON_2I, {"argon_2_config": ARGON_2}),
        (MigrateRequestHashType.ARGON_2ID, "password", ARGON_2ID, {"argon_2_config": ARGON_2}),
    ],
)
def test_hashes_of_other_systems_sign_in(actors, hash_type, text, digest, config):
    organization_id = actors.organization().organization_id
    email = unique_email()
    migrated = actors.stytch.passwords.migrate(email, digest, hash_type, organization_id, name="Ada", **config)
    assert (migrated.member_created, migrated.member.name, migrated.member.status) == (True, "Ada", "active")
    for _ in range(2):
        auth = actors.stytch.passwords.authenticate(organization_id, email, text)
        assert auth.member_id == migrated.member_id
    with refuses(400, "password_already_exists"):
        actors.stytch.passwords.migrate(email, digest, hash_type, organization_id, **config)
