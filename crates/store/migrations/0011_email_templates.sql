-- Email templates belong to projects and hold in all their environments. The document is JSON.
CREATE TABLE email_templates (
    project_slug TEXT NOT NULL REFERENCES projects (slug) ON DELETE CASCADE,
    template_id TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project_slug, template_id)
);

-- Which template mails of a type are sent with when the call names none.
CREATE TABLE default_email_templates (
    project_slug TEXT NOT NULL,
    template_type TEXT NOT NULL,
    template_id TEXT NOT NULL,
    PRIMARY KEY (project_slug, template_type),
    FOREIGN KEY (project_slug, template_id) REFERENCES email_templates (project_slug, template_id) ON DELETE CASCADE
);
