-- Projects, each with environments of their own. What was a project so far becomes one environment of a project of the
-- same name. Slugs are chosen once and never change, so they are keys.
CREATE TABLE projects (
    slug TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    vertical TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

ALTER TABLE environments ADD COLUMN project_slug TEXT REFERENCES projects (slug) ON DELETE CASCADE;
ALTER TABLE environments ADD COLUMN slug TEXT;

INSERT INTO projects (slug, name, vertical, created_at)
    SELECT 'project-' || env, name, 'B2B', created_at FROM environments;
UPDATE environments SET
    project_slug = 'project-' || env,
    slug = CASE kind WHEN 'live' THEN 'production' ELSE 'test' END,
    name = CASE kind WHEN 'live' THEN 'Production' ELSE 'Test' END;

CREATE UNIQUE INDEX environments_slug_key ON environments (project_slug, slug);
CREATE UNIQUE INDEX environments_live_key ON environments (project_slug) WHERE kind = 'live';

-- The number that was given last. Numbers of deleted environments are never given again, since what is kept in memory
-- goes by them.
CREATE TABLE environment_numbers (
    last BIGINT NOT NULL
);
INSERT INTO environment_numbers (last) SELECT COALESCE(MAX(env), 0) FROM environments;

-- What a key may do, as a JSON list of words.
ALTER TABLE management_keys ADD COLUMN scopes TEXT NOT NULL
    DEFAULT '["admin:projects","manage:project_settings","manage:api_keys"]';
