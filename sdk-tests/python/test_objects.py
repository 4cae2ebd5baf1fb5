"""Organizations and members: every answer parses into the SDK's strict models."""

import pytest
from conftest import refuses, unique, unique_email
from stytch.b2b.models.organizations import SearchQuery, SearchQueryOperator


def query(name, value):
    return SearchQuery(operator=SearchQueryOperator.AND, operands=[{"filter_name": name, "filter_value": value}])


def test_an_organization_lives_and_dies(actors):
    organizations = actors.stytch.organizations
    slug = unique("org")
    created = organizations.create(
        organization_name="Northwind", organization_slug=slug, trusted_metadata={"plan": "gold", "seats": 5}
    )
    assert created.status_code == 200
    assert created.organization.created_at is not None and created.organization.created_at.tzinfo is not None
    organization_id = created.organization.organization_id

    assert organizations.get(slug).organization == created.organization
    updated = organizations.update(organization_id, organization_name="Renamed", trusted_metadata={"seats": None})
    assert updated.organization.organization_name == "Renamed"
    assert updated.organization.trusted_metadata == {"plan": "gold"}

    found = organizations.search(query=query("organization_slugs", [slug]))
    assert [organization.organization_id for organization in found.organizations] == [organization_id]
    assert (found.results_metadata.total, found.results_metadata.next_cursor) == (1, None)

    assert organizations.delete(organization_id).organization_id == organization_id
    with refuses(404, "organization_not_found"):
        organizations.get(organization_id)


def test_a_member_lives_and_dies(actors):
    members = actors.stytch.organizations.members
    organization = actors.organization()
    organization_id = organization.organization_id
    created = members.create(
        organization_id,
        unique_email(),
        name="Ada",
        external_id=unique("crm"),
        roles=["stytch_admin"],
        untrusted_metadata={"theme": "dark"},
    ).member
    assert created.status == "active"
    assert {role.role_id for role in created.roles} == {"stytch_admin", "stytch_member"}
    member_id = created.member_id

    for by in ({"member_id": member_id}, {"member_id": created.external_id}, {"email_address": created.email_address}):
        assert members.get(organization_id, **by).member == created
    assert members.update(organization_id, member_id, name="Ada Lovelace").member.name == "Ada Lovelace"

    found = members.search([organization_id], query=query("member_emails", [created.email_address]))
    assert [member.member_id for member in found.members] == [member_id]
    assert list(found.organizations) == [organization_id]

    members.delete(organization_id, member_id)
    with refuses(404, "member_not_found"):
        members.get(organization_id, member_id=member_id)
    deleted = members.search([organization_id], query=query("statuses", ["deleted"]))
    assert [(member.member_id, member.status) for member in deleted.members] == [(member_id, "deleted")]


@pytest.mark.parametrize(
    ("settings", "error_type"),
    [
        ({"organization_slug": "no spaces"}, "invalid_organization_slug"),
        ({"auth_methods": "RESTRICTED"}, "allowed_auth_methods_required_for_restricted"),
        ({"email_allowed_domains": ["gmail.com"]}, "organization_settings_domain_too_common"),
        ({"trusted_metadata": {"long": "x" * 5000}}, "metadata_too_large"),
    ],
)
def test_bad_settings_are_refused(actors, settings, error_type):
    with refuses(400, error_type):
        actors.organization(**settings)


def test_bad_members_are_refused(actors):
    organization = actors.organization()
    member = actors.member(organization)
    with refuses(400, "duplicate_member_email"):
        actors.member(organization, email_address=member.email_address)
    with refuses(400, "invalid_email"):
        actors.member(organization, email_address="nobody")
    with refuses(400, "invalid_member_get_fields"):
        actors.stytch.organizations.members.get(organization.organization_id)


def test_a_wrong_secret_is_unauthorized(server):
    with refuses(401, "unauthorized_credentials"):
        server.client(secret="secret-test-wrong").organizations.search()
