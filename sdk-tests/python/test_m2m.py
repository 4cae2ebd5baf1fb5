"""Machine-to-machine clients: every answer parses into the SDK's strict models, and tokens pass its local check."""

import base64
import json

import jwt
import pytest
import requests
from conftest import refuses, unique
from stytch.consumer.models.m2m import M2MSearchQuery, M2MSearchQueryOperator


@pytest.fixture
def m2m(actors):
    return actors.stytch.m2m


def create(m2m, **fields):
    return m2m.clients.create(**({"scopes": ["read:notes", "write:notes"], "client_name": "Nightly export"} | fields)).m2m_client


def test_a_client_lives_and_dies(m2m):
    created = create(m2m, trusted_metadata={"organization_id": "acme"})
    assert created.client_secret_last_four == created.client_secret[-4:]
    client_id = created.client_id

    token = m2m.token(client_id, created.client_secret, scopes=["read:notes"])
    assert (token.token_type, token.expires_in, token.status_code) == ("bearer", 3600, 200)
    claims = m2m.authenticate_token(token.access_token, required_scopes=["read:notes"])
    assert (claims.client_id, claims.scopes, claims.custom_claims) == (client_id, ["read:notes"], {})

    started = m2m.clients.secrets.rotate_start(client_id).m2m_client
    assert started.next_client_secret_last_four == started.next_client_secret[-4:]
    for secret in (created.client_secret, started.next_client_secret):
        m2m.token(client_id, secret)
    with refuses(400, "m2m_client_already_rotating_secret"):
        m2m.clients.secrets.rotate_start(client_id)
    m2m.clients.secrets.rotate(client_id)
    with refuses(401, "invalid_client"):
        m2m.token(client_id, created.client_secret)
    m2m.token(client_id, started.next_client_secret)
    m2m.clients.secrets.rotate_start(client_id)
    assert m2m.clients.secrets.rotate_cancel(client_id).m2m_client.next_client_secret_last_four is None

    updated = m2m.clients.update(client_id, status="inactive", client_description="Stopped").m2m_client
    assert (updated.status, updated.client_description) == ("inactive", "Stopped")
    with refuses(401, "invalid_client"):
        m2m.token(client_id, started.next_client_secret)
    assert m2m.authenticate_token(token.access_token) is not None, "a token that was issued stays good to its end"
    assert m2m.clients.get(client_id).m2m_client == updated
    assert m2m.clients.delete(client_id).client_id == client_id
    with refuses(404, "m2m_client_not_found"):
        m2m.clients.get(client_id)


def test_scopes_are_asked_for_granted_and_required(m2m):
    client = create(m2m, scopes=["read:*", "admin"])
    ask = lambda scopes: m2m.token(client.client_id, client.client_secret, scopes=scopes).access_token
    everything = ask([])
    assert m2m.authenticate_token(everything).scopes == ["read:*", "admin"]
    assert m2m.authenticate_token(everything, required_scopes=["read:notes", "admin"]) is not None
    assert m2m.authenticate_token(everything, required_scopes=["write:notes"]) is None
    assert m2m.authenticate_token(ask(["read:*"]), required_scopes=["admin"]) is None
    with refuses(400, "invalid_scope"):
        ask(["delete:notes"])
    bare = create(m2m, scopes=[])
    token = m2m.token(bare.client_id, bare.client_secret).access_token
    assert m2m.authenticate_token(token).scopes == []
    assert m2m.authenticate_token(token, max_token_age=0) is None


def test_forged_tokens_do_not_pass(m2m, server):
    client = create(m2m)
    good = m2m.token(client.client_id, client.client_secret).access_token
    header, payload, signature = good.split(".")
    encode = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = jwt.get_unverified_header(good)["kid"]
    for forged in (
        ".".join((header, encode(claims | {"scope": "admin"}), signature)),
        ".".join((encode({"alg": "none", "typ": "JWT", "kid": kid}), payload, "")),
        jwt.encode(claims, "x" * 64, algorithm="HS256", headers={"kid": kid}),
        good[:-6] + "AAAAAA",
    ):
        assert m2m.authenticate_token(forged) is None
    # Of a project that is not there, no keys are published.
    other = server.client(project_id="project-test-00000000-0000-4000-8000-000000000000")
    with pytest.raises(jwt.PyJWKClientConnectionError):
        other.m2m.authenticate_token(good)
    assert m2m.authenticate_token(good) is not None


def test_the_projects_own_authorization_is_not_the_clients(m2m, server):
    """The SDK sends it beside the client's credentials; a wrong one is refused all the same."""
    client = create(m2m)
    with refuses(401, "invalid_client"):
        server.client(secret="secret-test-wrong").m2m.token(client.client_id, client.client_secret)
    with refuses(401, "invalid_client"):
        m2m.token(client.client_id, "wrong")
    with refuses(401, "invalid_client"):
        m2m.token("nobody", client.client_secret)


def test_extra_members_of_a_request_do_no_harm(m2m):
    client = create(m2m)
    token = m2m.token(client.client_id, client.client_secret, extra={"audience": "https://api.example"})
    assert m2m.authenticate_token(token.access_token).custom_claims == {}


def test_clients_are_searched(m2m):
    scope = unique("scope")
    ids = {create(m2m, scopes=[scope]).client_id for _ in range(3)}
    query = M2MSearchQuery(
        operator=M2MSearchQueryOperator.AND, operands=[{"filter_name": "scopes", "filter_value": [scope]}]
    )
    found = m2m.clients.search(query=query)
    assert {client.client_id for client in found.m2m_clients} == ids
    first = m2m.clients.search(limit=2, query=query)
    rest = m2m.clients.search(limit=2, query=query, cursor=first.results_metadata.next_cursor)
    assert (first.results_metadata.total, rest.results_metadata.next_cursor) == (3, None)
    assert len(first.m2m_clients) + len(rest.m2m_clients) == 3


@pytest.mark.parametrize(
    ("fields", "error_type"),
    [
        ({"client_id": "not an id"}, "m2m_client_invalid_client_id"),
        ({"client_secret": "password"}, "insecure_m2m_client_secret"),
        ({"client_name": "x" * 129}, "m2m_client_invalid_client_name"),
        ({"scopes": ["a b"]}, "invalid_m2m_client_scope"),
        ({"trusted_metadata": {"long": "x" * 5000}}, "metadata_too_large"),
    ],
)
def test_bad_clients_are_refused(m2m, fields, error_type):
    with refuses(400, error_type):
        create(m2m, **fields)


def test_a_client_of_another_system_keeps_its_id_and_secret(m2m):
    client_id, secret = unique("3MVG9lKcPoNINVBI"), "ldW6YGB-7oKRPEnm0sqTVWHkwDPQjrmBkcO2_2DiCV5PyRzTkfxCJ"
    create(m2m, client_id=client_id, client_secret=secret)
    assert m2m.authenticate_token(m2m.token(client_id, secret).access_token).client_id == client_id
    with refuses(400, "duplicate_m2m_client_id"):
        create(m2m, client_id=client_id)


def test_the_server_says_whether_a_token_is_still_good(m2m, server):
    client = create(m2m)
    token = m2m.token(client.client_id, client.client_secret).access_token
    url = f"{server.url}/v1/public/{server.credentials['project_id']}/oauth2/introspect"
    body = {"client_id": client.client_id, "client_secret": client.client_secret, "token": token}
    said = requests.post(url, data=body, timeout=5).json()
    assert (said["active"], said["sub"], said["token_type"]) == (True, client.client_id, "access_token")
    m2m.clients.update(client.client_id, status="inactive")
    said = requests.post(url, json=body, timeout=5).json()
    assert said["active"] is False and "sub" not in said


def test_a_project_counts_its_clients(m2m, actors):
    create(m2m)
    counts = {metric.metric_type.value: metric.count for metric in actors.stytch.project.metrics().metrics}
    assert counts["M2M_CLIENT_COUNT"] > 0 and counts["USER_COUNT"] == 0
