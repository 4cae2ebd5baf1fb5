-- What a session check asks for, so that it is answered from indexes alone. The rows are wide: what an application
-- keeps with a member or an organization may fill pages that lie before the one number that is needed.
CREATE INDEX sessions_check_idx ON sessions
    (env, token_hash, expires_at, session_id, member_id, organization_id, version);
CREATE INDEX members_check_idx ON members (env, member_id, status, version);
CREATE INDEX organizations_check_idx ON organizations (env, organization_id, version);
