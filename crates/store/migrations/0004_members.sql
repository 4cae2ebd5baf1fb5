-- A member who changes its address by itself holds the new one until it has proven it, so that nobody takes it
-- meanwhile. `update_until` is the end of that time. A row with `is_reservation` exists for the update alone, and the
-- address is free again when the time is over; a retired address that is to become current once more is the member's
-- either way.
ALTER TABLE member_emails ADD COLUMN is_reservation BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE member_emails ADD COLUMN update_until BIGINT;

-- The few members to whom a role was assigned, and the few organizations that define roles of their own: when a role is
-- deleted, its assignments go too, and a policy must not drop what an organization's role needs.
CREATE INDEX members_direct_roles_idx ON members (env, organization_id, member_id) WHERE direct_roles <> '[]';
CREATE INDEX organizations_custom_roles_idx ON organizations (env, organization_id) WHERE custom_roles <> '[]';
