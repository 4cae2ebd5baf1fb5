//! Writes every page, mail and asset into a folder, for looking at them and for the browser checks of `web-tests`.
//!
//! `cargo run -p ostiary-pages --example render -- FOLDER` makes `FOLDER/index.json`, a map from the path under
//! which a server would answer to the file, its content type and its policy.

use std::error::Error;
use std::path::{Path, PathBuf};

use ostiary_core::locale::Locale;
use ostiary_pages::page::{self, Page, PreviewTheme};
use ostiary_pages::{asset, mail};
use serde_json::{Map, Value, json};

const FORWARD_URL: &str = "https://app.harbor.example/authenticate?stytch_token_type=multi_tenant_magic_links&\
                           token=k3V9cXw1b0yRZt7mQe2uN8sHfLa5JpDq4gTiUoBxMv0A&slug=northwind";

const ERRORS: [(&str, u16, &str); 6] = [
    (
        "email_jit_provisioning_not_allowed",
        400,
        "The organization admits nobody by email address. Invite the member.",
    ),
    ("invalid_code", 400, "A code has six digits. Send it as the member typed it, without spaces."),
    ("unable_to_auth_magic_link", 401, "The link was used or has expired. Send a new one."),
    (
        "otp_code_not_found",
        404,
        "The code is wrong, or none is outstanding. Ask the member to check it or send a new one.",
    ),
    ("too_many_requests", 429, "Too many requests for this address. Wait, then send the request again."),
    ("internal_server_error", 500, "Something failed on the server's side."),
];

/// A folder being filled, and what a server would say about each file.
struct Output {
    folder: PathBuf,
    index: Map<String, Value>,
}

impl Output {
    fn write(
        &mut self,
        path: &str,
        content_type: &str,
        policy: &str,
        bytes: &[u8],
    ) -> Result<(), Box<dyn Error>> {
        let file = path.trim_start_matches('/').replace('/', "_");
        std::fs::write(self.folder.join(&file), bytes)?;
        self.index
            .insert(path.to_owned(), json!({ "file": file, "content_type": content_type, "policy": policy }));
        Ok(())
    }

    fn page(&mut self, path: &str, page: &Page) -> Result<(), Box<dyn Error>> {
        self.write(path, "text/html; charset=utf-8", page.content_security_policy, page.html.as_bytes())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder shall be filled?")?;
    std::fs::create_dir_all(&folder)?;
    let mut output = Output { folder: PathBuf::from(folder), index: Map::new() };
    for asset in asset::all() {
        output.write(asset.path, asset.content_type, "", asset.bytes)?;
    }
    pages(&mut output)?;
    mails(&mut output)?;
    let index = serde_json::to_vec_pretty(&output.index)?;
    std::fs::write(Path::new(&output.folder).join("index.json"), index)?;
    Ok(())
}

fn pages(output: &mut Output) -> Result<(), Box<dyn Error>> {
    for locale in Locale::ALL {
        let hop = page::link_hop(locale, "Harbor", FORWARD_URL);
        output.page(&format!("/hop/{}", locale.as_str()), &hop)?;
    }
    output.page("/hop/broken", &page::link_hop(Locale::En, "Harbor", "javascript:alert(1)"))?;
    // Filled by the checks with the address of a server of theirs.
    output.page(
        "/hop/live",
        &page::link_hop(Locale::En, "Harbor", "http://localhost:1/app?token=k3V9%3D&a=b+c#top"),
    )?;
    output.page(
        "/error",
        &page::error(
            401,
            "This link no longer works",
            "A sign-in link works once and for a limited time. This one was used or has expired. Ask for a new one \
             where you signed in.",
            "request-id-test-5e0c1b8a-7b1f-4c1e-9d53-2f0a6f0b7c11",
        ),
    )?;
    output.page("/errors", &page::error_index(&ERRORS, "/errors"))?;
    for (error_type, status, text) in ERRORS {
        output.page(
            &format!("/errors/{error_type}"),
            &page::error_reference(error_type, status, text, "/errors"),
        )?;
    }
    output.page("/dev/inbox", &page::inbox("http://localhost:8080"))
}

fn mails(output: &mut Output) -> Result<(), Box<dyn Error>> {
    for template in mail::Template::ALL {
        for locale in Locale::ALL {
            let mail = mail::render(template, locale, &context(template));
            let name = format!("{template:?}-{}", locale.as_str());
            for (theme, value) in [(PreviewTheme::Light, "light"), (PreviewTheme::Dark, "dark")] {
                output.page(&format!("/mails/{name}/{value}"), &page::mail_preview(&mail.html, theme))?;
            }
            let json = json!({
                "subject": mail.subject,
                "text": mail.text,
                "html": mail.html,
                "template_type": template.template_type(),
            });
            output.write(&format!("/mails/{name}"), "application/json", "", json.to_string().as_bytes())?;
        }
    }
    Ok(())
}

fn context(template: mail::Template) -> mail::Context<'static> {
    let is_password =
        matches!(template, mail::Template::ResetPassword | mail::Template::VerifyEmailPasswordReset);
    mail::Context {
        app_name: "Harbor",
        organization_name: Some("Northwind Freight"),
        invited_by_name: Some("Tomas Reyes"),
        email_address: "mara.lindt@northwind.example",
        url: Some(
            "https://auth.harbor.example/v1/b2b/magic_links/redirect?token=k3V9cXw1b0yRZt7mQe2uN8sHfLa5JpDq4gTiUoBxMv0A",
        ),
        secondary_url: is_password
            .then_some("https://auth.harbor.example/v1/b2b/magic_links/redirect?token=Qe2uN8sHfLa5"),
        code: Some("418207"),
        expires_in_minutes: if template.has_code() { 10 } else { 60 },
    }
}
