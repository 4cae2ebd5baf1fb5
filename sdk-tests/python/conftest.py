"""One server for a run of the suite, the unmodified SDK pointed at it, and actors that speak the domain."""

import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import stytch
from stytch.core.response_base import StytchError

MAIL_SECONDS_MAX = 10
REDIRECT_URL = "http://localhost:3000/authenticate"
SERVE = Path(__file__).parent.parent / "lib" / "serve.mjs"


def unique(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(5)}"


def unique_email() -> str:
    return f"{unique('m')}@{unique('d')}.example"


def token_in(message: dict[str, Any]) -> str:
    """The one-time token inside the link of a mail."""
    return next(parse_qs(urlsplit(link).query)["token"][0] for link in message["links"] if "token=" in link)


class refuses:
    """Asserts that the server refuses with exactly this status and type."""

    def __init__(self, status: int, error_type: str) -> None:
        self.expected = (status, error_type)

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> bool:
        if error is not None and not isinstance(error, StytchError):
            return False
        assert error is not None, f"expected {self.expected}, but the call succeeded"
        details = error.details
        assert (details.status_code, details.error_type) == self.expected
        assert details.request_id.startswith("request-id-test-")
        assert details.error_message and details.error_url
        return True


@dataclass
class Server:
    credentials: dict[str, Any]

    @property
    def url(self) -> str:
        return self.credentials["api_url"]

    def client(self, **overrides: str) -> stytch.B2BClient:
        arguments = {
            "project_id": self.credentials["project_id"],
            "secret": self.credentials["secret"],
            "environment": self.url,
            "fraud_environment": self.url,
        }
        return stytch.B2BClient(**(arguments | overrides))

    def messages(self, address: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.credentials['inbox_url']}/messages", params={"to": address}, timeout=5)
        answer.raise_for_status()
        return answer.json()["messages"]

    def last_message(self, address: str, count: int = 1) -> dict[str, Any]:
        """The newest message to an address, once `count` have come."""
        deadline = time.monotonic() + MAIL_SECONDS_MAX
        while len(found := self.messages(address)) < count:
            assert time.monotonic() < deadline, f"message {count} to {address} did not come"
            time.sleep(0.01)
        return found[-1]

    def advance_clock(self, seconds: int) -> None:
        """Moves the server's clock; the SDK's stays where it is."""
        requests.post(f"{self.url}/dev/clock", json={"advance_seconds": seconds}, timeout=5).raise_for_status()


@dataclass
class Actors:
    server: Server
    stytch: stytch.B2BClient

    def organization(self, **settings: Any) -> Any:
        return self.stytch.organizations.create(organization_name=unique("Organization"), **settings).organization

    def member(self, organization: Any, **fields: Any) -> Any:
        fields = {"email_address": unique_email()} | fields
        return self.stytch.organizations.members.create(organization.organization_id, **fields).member

    def sign_in(self, organization: Any, member: Any, **options: Any) -> Any:
        self.stytch.magic_links.email.login_or_signup(
            organization.organization_id, member.email_address, login_redirect_url=REDIRECT_URL
        )
        token = token_in(self.server.last_message(member.email_address))
        return self.stytch.magic_links.authenticate(token, **options)

    def signed_in(self, **options: Any) -> Any:
        organization = self.organization()
        return self.sign_in(organization, self.member(organization), **options)


@contextmanager
def serving(*arguments: str) -> Iterator[Server]:
    """A server that ends when its standard input closes."""
    process = subprocess.Popen(
        [os.environ.get("NODE", "node"), str(SERVE), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert line, "the server did not start"
        yield Server(json.loads(line))
    finally:
        process.stdin.close()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def actors(server: Server) -> Actors:
    return Actors(server, server.client())
