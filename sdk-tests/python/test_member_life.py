"""What becomes of a member over time: every answer parses into the SDK's strict models."""

import pytest
from conftest import REDIRECT_URL, refuses, token_in, unique, unique_email


@pytest.fixture
def members(actors):
    return actors.stytch.organizations.members


def test_a_member_is_removed_found_and_brought_back(actors, members):
    organization = actors.organization()
    member = actors.sign_in(organization, actors.member(organization, roles=["stytch_admin"])).member
    ids = (organization.organization_id, member.member_id)
    assert members.dangerously_get(member.member_id).member == member
    assert actors.stytch.organizations.metrics(organization.organization_id).member_count == 1
    members.delete(*ids)
    assert actors.stytch.organizations.metrics(organization.organization_id).member_count == 0
    with refuses(404, "member_not_found"):
        members.dangerously_get(member.member_id)
    assert members.dangerously_get(member.member_id, include_deleted=True).member.status == "deleted"
    back = members.reactivate(*ids).member
    assert (back.status, back.is_admin) == ("active", False)
    with refuses(404, "no_deleted_member_found_for_reactivation"):
        members.reactivate(*ids)


@pytest.mark.parametrize("delivery_method", ["EMAIL_MAGIC_LINK", "EMAIL_OTP"])
def test_a_member_changes_its_address_and_lets_go_of_the_old_one(actors, members, delivery_method):
    organization = actors.organization()
    member = actors.sign_in(organization, actors.member(organization)).member
    ids = (organization.organization_id, member.member_id)
    wanted = unique_email()
    started = members.start_email_update(*ids, wanted, login_redirect_url=REDIRECT_URL, delivery_method=delivery_method)
    assert started.member.email_address == member.email_address
    message = actors.server.last_message(wanted)
    if delivery_method == "EMAIL_MAGIC_LINK":
        proven = actors.stytch.magic_links.authenticate(token_in(message))
    else:
        proven = actors.stytch.otps.email.authenticate(
            organization_id=organization.organization_id, email_address=wanted, code=message["code"]
        )
    assert (proven.member.email_address, proven.member.email_address_verified) == (wanted, True)
    (retired,) = proven.member.retired_email_addresses
    assert retired.email_address == member.email_address
    with refuses(400, "retired_email_missing_email_identifiers"):
        members.unlink_retired_email(*ids)
    assert members.unlink_retired_email(*ids, email_id=retired.email_id).member.retired_email_addresses == []


def test_external_ids_are_cleared(actors, members):
    name, own = unique("crm"), unique("crm")
    organization = actors.organization(organization_external_id=name)
    member = actors.member(organization, external_id=own)
    assert members.get(name, member_id=own).member == member
    assert members.delete_external_id(name, own).member.external_id is None
    assert actors.stytch.organizations.delete_external_id(name).organization.organization_external_id is None
    with refuses(404, "organization_not_found"):
        actors.stytch.organizations.get(name)
