"""The vendor's own management client, unmodified, over https."""

from collections.abc import Iterator

import pytest
import requests
from conftest import serving, unique
from stytch.core.response_base import StytchError
from stytch_management import Client
from stytch_management.errors import StytchError as ManagementError


class refuses:
    """Asserts that the management API refuses with exactly this status and type."""

    def __init__(self, status: int, error_type: str) -> None:
        self.expected = (status, error_type)

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> bool:
        if error is not None and not isinstance(error, ManagementError):
            return False
        assert error is not None, f"expected {self.expected}, but the call succeeded"
        assert (error.status_code, error.error_type) == self.expected
        assert error.request_id and error.error_message and error.error_url
        return True


@pytest.fixture(scope="module")
def server():
    with serving("--tls") as server:
        yield server


def connect(server, secret: str | None = None) -> Client:
    session = requests.Session()
    # Authorities that the environment names would take the place of the one below.
    session.trust_env = False
    session.verify = server.credentials["https"]["authorityFile"]
    return Client(
        workspace_key_id=server.credentials["management_key_id"],
        workspace_key_secret=secret or server.credentials["management_key_secret"],
        base_url=server.credentials["https"]["url"],
        session=session,
    )


@pytest.fixture(scope="module")
def operator(server) -> Client:
    return connect(server)


@pytest.fixture
def place(operator: Client) -> Iterator[tuple[str, str]]:
    """A project with a live and a test environment; the slugs of the project and the latter."""
    project = operator.projects.create(name="Acme", vertical="B2B", project_slug=unique("acme")).project.project_slug
    operator.environments.create(project, name="Production", type="LIVE", environment_slug="production")
    operator.environments.create(project, name="Test", type="TEST", environment_slug="test")
    yield project, "test"
    operator.projects.delete(project)


def test_a_project_is_created_renamed_and_deleted(operator: Client):
    created = operator.projects.create(name="Beta", vertical="B2B").project
    assert created in operator.projects.get_all().projects
    assert operator.projects.get(created.project_slug).project == created
    renamed = operator.projects.update(created.project_slug, name="Gamma").project
    assert (renamed.name, renamed.created_at) == ("Gamma", created.created_at)
    operator.projects.delete(created.project_slug)
    with refuses(404, "project_not_found"):
        operator.projects.get(created.project_slug)


def test_environments_keep_what_is_not_changed(operator: Client, place):
    project, _ = place
    assert [known.type for known in operator.environments.get_all(project).environments] == ["LIVE", "TEST"]
    before = operator.environments.get(*place).environment
    changed = operator.environments.update(*place, user_lock_threshold=5, user_lock_ttl=600).environment
    assert changed == before.model_copy(update={"user_lock_threshold": 5, "user_lock_ttl": 600})
    assert operator.environments.get(*place).environment == changed
    with refuses(400, "invalid_user_lock_ttl"):
        operator.environments.update(*place, user_lock_ttl=1)
    metrics = operator.environments.get_metrics(*place).metrics
    assert (metrics.organization_count, metrics.member_count) == (0, 0)
    operator.environments.delete(*place)
    with refuses(404, "project_not_found"):
        operator.environments.get(*place)


def test_a_secret_works_at_once_and_until_it_is_deleted(server, operator: Client, place):
    environment = operator.environments.get(*place).environment
    created = operator.secrets.create(*place).secret
    client = server.client(project_id=environment.project_id, secret=created.secret)
    organization = client.organizations.create(organization_name="Acme").organization
    assert client.organizations.get(organization.organization_id).organization.organization_name == "Acme"
    assert operator.environments.get_metrics(*place).metrics.organization_count == 1
    masked = operator.secrets.get(*place, created.secret_id).secret
    assert (masked.last_four, masked.created_at) == (created.secret[-4:], created.created_at)
    assert operator.secrets.get_all(*place).secrets == [masked]
    operator.secrets.delete(*place, created.secret_id)
    with pytest.raises(StytchError) as refused:
        client.organizations.get(organization.organization_id)
    assert refused.value.details.error_type == "unauthorized_credentials"


def test_public_tokens(operator: Client, place):
    (first,) = operator.public_tokens.get_all(*place).public_tokens
    with refuses(400, "unable_to_delete_last_public_token"):
        operator.public_tokens.delete(*place, first.public_token)
    second = operator.public_tokens.create(*place).public_token
    assert operator.public_tokens.get(*place, second.public_token).public_token == second
    operator.public_tokens.delete(*place, first.public_token)
    assert operator.public_tokens.get_all(*place).public_tokens == [second]


def test_redirect_urls(operator: Client, place):
    url = "https://app.example/callback?flow=login&x=%20"
    login = [{"type": "LOGIN", "is_default": False}]
    created = operator.redirect_urls.create(*place, url=url, valid_types=login).redirect_url
    assert [(known.type, known.is_default) for known in created.valid_types] == [("LOGIN", True)]
    merged = operator.redirect_urls.create(
        *place, url=url, valid_types=[{"type": "INVITE", "is_default": False}], do_not_promote_defaults=True
    ).redirect_url
    assert [(known.type, known.is_default) for known in merged.valid_types] == [("LOGIN", True), ("INVITE", False)]
    assert operator.redirect_urls.get(*place, url=url).redirect_url == merged
    updated = operator.redirect_urls.update(*place, url=url, valid_types=login, do_not_promote_defaults=True)
    assert [known.is_default for known in updated.redirect_url.valid_types] == [False]
    assert operator.redirect_urls.get_all(*place).redirect_urls == [updated.redirect_url]
    operator.redirect_urls.delete(*place, url=url, do_not_promote_defaults=True)
    with refuses(404, "redirect_url_not_found"):
        operator.redirect_urls.get(*place, url=url)


def test_documents_are_read_back_as_they_were_set(operator: Client, place):
    config = {"check_breach_on_creation": False, "check_breach_on_authentication": True, "validate_on_authentication": True}
    luds = {"validation_policy": "LUDS", "luds_min_password_length": 10, "luds_min_password_complexity": 2}
    set_policy = operator.password_strength_config.set(*place, **config, **luds).password_strength_config
    assert operator.password_strength_config.get(*place).password_strength_config == set_policy
    assert set_policy.model_dump(mode="json") == config | luds
    zxcvbn = operator.password_strength_config.set(*place, **config, validation_policy="ZXCVBN")
    assert zxcvbn.password_strength_config.luds_min_password_length is None

    for kind in ["SESSION", "M2M"]:
        content = '{\n  "plan": {{ organization.trusted_metadata.plan }}\n}'
        operator.jwt_templates.set(*place, template_content=content, custom_audience="acme", jwt_template_type=kind)
        read = operator.jwt_templates.get(*place, jwt_template_type=kind).jwt_template
        assert (read.template_content, read.custom_audience, read.jwt_template_type) == (content, "acme", kind)
    with refuses(400, "jwt_template_mismatched_tag"):
        operator.jwt_templates.set(*place, template_content='{"a": {{ b', custom_audience="", jwt_template_type="M2M")

    countries = operator.country_code_allowlist
    assert countries.get_allowed_sms_country_codes(*place).country_codes == ["CA", "US"]
    assert countries.set_allowed_sms_country_codes(*place, country_codes=["US", "DE"]).country_codes == ["DE", "US"]
    with refuses(400, "country_code_allowlist_b2b_whatsapp_not_supported"):
        countries.get_allowed_whatsapp_country_codes(*place)


def test_the_policy_is_read_back_in_its_order(operator: Client, place):
    permission = {"resource_id": "notes", "actions": ["write", "read"]}
    written = {
        "stytch_member": {"permissions": [{"resource_id": "notes", "actions": ["read"]}]},
        "stytch_admin": {"permissions": []},
        "custom_roles": [
            {"role_id": role, "description": role, "permissions": [permission]} for role in ["writer", "author"]
        ],
        "custom_resources": [{"resource_id": "notes", "description": "Notes", "available_actions": ["write", "read"]}],
        "custom_scopes": [{"scope": "write:notes", "description": "", "permissions": [permission]}],
    }
    policy = operator.rbac_policy.set(*place, **written).policy
    assert policy.model_dump(mode="json", include=written.keys()) == written
    assert operator.rbac_policy.get(*place).policy == policy
    with refuses(400, "invalid_permission_resource"):
        operator.rbac_policy.set(*place, custom_roles=written["custom_roles"])


def test_the_sdk_configuration_is_read_back(operator: Client, place):
    config = operator.sdk.get_b2_b_config(*place).config
    assert config.basic.enabled
    changed = config.model_dump(mode="json")
    changed["basic"]["domains"] = [{"domain": "https://app.example", "slug_pattern": "https://{{slug}}.app.example"}]
    changed["sessions"]["max_session_duration_minutes"] = 30
    changed["cookies"]["http_only"] = "ENFORCED"
    changed["oauth"] = {"enabled": False, "pkce_required": False}
    assert operator.sdk.set_b2_b_config(*place, config=changed).config.model_dump(mode="json") == changed
    assert operator.sdk.set_b2_b_config(*place, config={}).config.model_dump(mode="json") == changed
    assert operator.sdk.get_b2_b_config(*place).config.model_dump(mode="json") == changed


def test_the_longest_session_holds_at_once(server, operator: Client, place):
    environment = operator.environments.get(*place).environment
    client = server.client(project_id=environment.project_id, secret=operator.secrets.create(*place).secret.secret)
    organization = client.organizations.create(organization_name="Acme").organization.organization_id
    operator.sdk.set_b2_b_config(*place, config={"sessions": {"max_session_duration_minutes": 30}})
    address = f"{unique('m')}@acme.example"
    client.organizations.members.create(organization, email_address=address)
    client.otps.email.login_or_signup(organization, address)
    code = server.last_message(address)["code"]
    with pytest.raises(StytchError) as refused:
        client.otps.email.authenticate(organization, address, code, session_duration_minutes=60)
    assert refused.value.details.error_type == "invalid_session_duration"


def test_mails_have_the_projects_own_look_and_words(server, operator: Client, place):
    project, _ = place
    environment = operator.environments.get(*place).environment
    client = server.client(project_id=environment.project_id, secret=operator.secrets.create(*place).secret.secret)
    organization = client.organizations.create(organization_name="Acme").organization.organization_id
    address = f"{unique('m')}@acme.example"
    client.organizations.members.create(organization, email_address=address)

    def next_mail(count: int, **options: str) -> dict:
        client.otps.email.login_or_signup(organization, address, **options)
        return server.last_message(address, count)

    templates = operator.email_templates
    look = {"button_border_radius": 12.0, "button_color": "#112233", "font_family": "GEORGIA", "text_alignment": "LEFT"}
    made = templates.create(project, template_id="look", name="Look", prebuilt_customization=look).email_template
    assert made.prebuilt_customization.model_dump(mode="json", exclude_none=True) == look
    assert templates.get(project, "look").email_template == made
    templates.set_default(project, email_template_type="PREBUILT", template_id="look")
    assert "Georgia, serif" in next_mail(1)["html"]

    words = {
        "template_type": "ONE_TIME_PASSCODE",
        "html_content": "<p>Hello {{user_email}}, your code is <b>{{ otp_code }}</b>.</p>\n",
        "plaintext_content": "Your code is {{otp_code}}.",
        "subject": "Code for {{organization_name}}",
    }
    sender = {"from_local_part": "login", "from_domain": "acme.example", "from_name": "Acme"}
    created = templates.create(
        project, template_id="code", name="Code", sender_information=sender, custom_html_customization=words
    ).email_template
    assert created.custom_html_customization.model_dump(mode="json") == words
    mail = next_mail(2, login_template_id="code")
    assert (mail["subject"], mail["text"]) == ("Code for Acme", f"Your code is {mail['code']}.")
    templates.set_default(project, email_template_type="ONE_TIME_PASSCODE", template_id="code")
    assert templates.get_default(project, email_template_type="ONE_TIME_PASSCODE").template_id == "code"
    assert next_mail(3)["subject"] == "Code for Acme"

    changed = templates.update(project, "code", custom_html_customization=words | {"subject": "Another"}).email_template
    assert (changed.name, changed.custom_html_customization.subject) == ("Code", "Another")
    assert next_mail(4)["subject"] == "Another"
    assert templates.get_all(project).email_templates == [made, changed]
    with refuses(400, "cannot_delete_default_email_template"):
        templates.delete(project, "code")
    templates.unset_default(project, email_template_type="ONE_TIME_PASSCODE")
    templates.delete(project, "code")
    with refuses(404, "email_template_not_found"):
        templates.get(project, "code")
    with refuses(400, "invalid_email_template_content"):
        hostile = words | {"html_content": "<script>{{otp_code}}</script>"}
        templates.create(project, template_id="evil", sender_information=sender, custom_html_customization=hostile)


def test_a_wrong_key_is_refused(server):
    with refuses(401, "unauthorized_credentials"):
        connect(server, secret="wrong").projects.get_all()
