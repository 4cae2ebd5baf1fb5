//! What `ostiary dev` prints when it is ready: where it is, with which credentials, and how to point the SDKs at it.

use ostiary_server::dev::Credentials;
use std::path::Path;

/// The banner. Plain http needs the untyped options of the SDKs, which their documentation does not name. Their fraud
/// clients do not follow the base URL: without an option of their own they would show the credentials to another host.
pub fn banner(credentials: &Credentials, https: Option<(&str, &Path)>, data: &Path) -> String {
    let Credentials { api_url, project_id, secret, public_token, inbox_url, .. } = credentials;
    let https = https.map_or_else(String::new, |(url, authority)| {
        format!("  HTTPS         {url}  (trust {})\n", authority.display())
    });
    format!(
        "
  Ostiary is ready.

  API           {api_url}
{https}  Inbox         {inbox_url}
  Project       {project_id}
  Secret        {secret}
  Public token  {public_token}
  Credentials   {credentials_file}

  Node      new stytch.B2BClient({{
              project_id: '{project_id}',
              secret: '{secret}',
              env: '{api_url}',
              fraud_env: '{api_url}',
            }})
  Python    stytch.B2BClient(
              project_id='{project_id}',
              secret='{secret}',
              environment='{api_url}',
              fraud_environment='{api_url}',
            )
  Browser   createStytchB2BClient('{public_token}', {{
              endpoints: {{ testAPIURL: '{api_url}', liveAPIURL: '{api_url}' }},
            }})

  For development only. Stop with Ctrl-C; data stays in {data}.
",
        credentials_file = data.join(ostiary_server::dev::CREDENTIALS_FILE).display(),
        data = data.display(),
    )
}
