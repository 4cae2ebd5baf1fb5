"""Roles: those of organizations, and that the SDK decides by itself as the server does."""

import random
from typing import Any

import pytest
from conftest import refuses, unique_email
from stytch.b2b.models.organizations_members import UpdateRequestOptions
from stytch.b2b.models.rbac import OrgPolicy
from stytch.b2b.models.sessions import AuthorizationCheck
from stytch.core.response_base import StytchError
from stytch.shared.method_options import Authorization
from stytch.shared.rbac_local import RBACPermissionError, TenancyError


def role(role_id: str, **permissions: list[str]) -> dict[str, Any]:
    grants = [{"resource_id": f"stytch.{name}", "actions": actions} for name, actions in permissions.items()]
    return {"role_id": role_id, "description": "", "permissions": grants}


def test_an_organization_gets_roles_of_its_own(actors):
    organization = actors.organization()
    roles = actors.stytch.rbac.organizations
    assert roles.get_org_policy(organization.organization_id).org_policy.roles == []
    wanted = {"roles": [role("clerk", member=["search", "update.info.name"])]}
    stored = roles.set_org_policy(organization.organization_id, wanted).org_policy
    assert stored == OrgPolicy(**wanted)
    roles.validate_org_policy(actors.stytch.rbac.policy().policy, stored)
    assert actors.stytch.organizations.get(organization.organization_id).organization.custom_roles[0].role_id == "clerk"

    auth = actors.sign_in(organization, actors.member(organization, roles=["clerk"]))
    assert auth.member_session.roles == ["stytch_member", "clerk"]
    other = actors.member(organization)
    acting = UpdateRequestOptions(authorization=Authorization(session_token=auth.session_token))
    members = actors.stytch.organizations.members
    members.update(organization.organization_id, other.member_id, name="Ada", method_options=acting)
    with refuses(403, "session_authorization_error"):
        members.update(organization.organization_id, other.member_id, is_breakglass=True, method_options=acting)

    roles.set_org_policy(organization.organization_id, {"roles": []})
    with refuses(403, "session_authorization_error"):
        members.update(organization.organization_id, other.member_id, name="Eve", method_options=acting)


@pytest.mark.parametrize(
    ("roles", "error_type"),
    [
        ([role("", member=["search"])], "empty_rbac_role_id"),
        ([role("a", member=["search"]), role("a", member=["search"])], "rbac_role_duplicate"),
        ([role("a", ghost=["search"])], "invalid_permission_resource"),
        ([role("a", member=["fly"])], "invalid_permission_action"),
        ([role("a")], "rbac_role_missing_permissions"),
        ([role("stytch_admin", member=["search"])], "rbac_org_custom_roles_only"),
    ],
)
def test_bad_roles_are_refused(actors, roles, error_type):
    organization = actors.organization()
    with refuses(400, error_type):
        actors.stytch.rbac.organizations.set_org_policy(organization.organization_id, {"roles": roles})


def test_the_sdk_decides_as_the_server_does(server, actors):
    chance = random.Random(20_251)
    policy = actors.stytch.rbac.policy().policy
    outcomes = {True: 0, False: 0}
    for _ in range(4):
        organization = actors.organization()
        roles = [
            role(
                f"role-{number}",
                **{
                    resource.resource_id.removeprefix("stytch."): chance.choice(
                        [["*"], chance.sample(resource.actions, chance.randint(1, len(resource.actions)))]
                    )
                    for resource in chance.sample(policy.resources, 2)
                },
            )
            for number in range(4)
        ]
        actors.stytch.rbac.organizations.set_org_policy(organization.organization_id, {"roles": roles})
        held = chance.sample([made["role_id"] for made in roles], 2)
        auth = actors.sign_in(organization, actors.member(organization, roles=held))
        # A client of its own, since the SDK keeps policies for minutes.
        local = server.client()
        for _ in range(20):
            resource = chance.choice(policy.resources)
            check = AuthorizationCheck(
                organization_id=organization.organization_id,
                resource_id=chance.choice([resource.resource_id] * 9 + ["nothing"]),
                action=chance.choice([*resource.actions, "*", "unlisted"]),
            )
            try:
                remotely = actors.stytch.sessions.authenticate(
                    session_token=auth.session_token, authorization_check=check
                ).verdict.authorized
            except StytchError as error:
                assert error.details.error_type == "session_authorization_error"
                remotely = False
            try:
                locally = local.sessions.authenticate_jwt_local(auth.session_jwt, authorization_check=check) is not None
            except RBACPermissionError:
                locally = False
            assert locally == remotely, (check, roles, held)
            outcomes[remotely] += 1
    assert min(outcomes.values()) > 10, outcomes


def test_a_check_stays_in_the_own_organization(server, actors):
    auth, elsewhere = actors.signed_in(), actors.organization()
    check = AuthorizationCheck(
        organization_id=elsewhere.organization_id, resource_id="stytch.self", action="update.info.name"
    )
    with pytest.raises(TenancyError):
        server.client().sessions.authenticate_jwt_local(auth.session_jwt, authorization_check=check)
    with refuses(403, "session_authorization_tenancy_error"):
        actors.stytch.sessions.authenticate(session_token=auth.session_token, authorization_check=check)


def test_a_call_on_behalf_of_a_member_has_its_permissions(actors):
    auth = actors.signed_in()
    acting = Authorization(session_token=auth.session_token)
    members = actors.stytch.organizations.members
    members.update(
        auth.organization_id, auth.member_id, name="Ada", method_options=UpdateRequestOptions(authorization=acting)
    )
    with refuses(400, "member_cannot_update_their_email_address"):
        members.update(
            auth.organization_id,
            auth.member_id,
            email_address=unique_email(),
            method_options=UpdateRequestOptions(authorization=acting),
        )
