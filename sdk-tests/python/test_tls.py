"""The documented `custom_base_url`, which insists on https, against the listener of the development authority."""

import pytest
import stytch
from conftest import Actors, serving


@pytest.fixture(scope="module")
def server():
    with serving("--tls") as server:
        yield server


def test_the_documented_option_works(server, actors: Actors, monkeypatch):
    auth = actors.signed_in()
    https = server.credentials["https"]
    # One variable for the calls, one for the keys that JWTs are checked with.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", https["authorityFile"])
    monkeypatch.setenv("SSL_CERT_FILE", https["authorityFile"])
    client = stytch.B2BClient(
        project_id=server.credentials["project_id"],
        secret=server.credentials["secret"],
        custom_base_url=https["url"],
    )
    assert client.sessions.authenticate(session_token=auth.session_token).member.member_id == auth.member_id
    local = client.sessions.authenticate_jwt(auth.session_jwt)
    assert (local.request_id, local.member_session.member_id) == ("", auth.member_id)
