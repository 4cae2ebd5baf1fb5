//! `docs/configuration.md`, made from the table of keys.

use std::fmt::Write;

use super::keys::{Fallback, KEYS, Key};

const HEAD: &str = "\
# Configuration

<!-- Generated from the table of keys in crates/server/src/config/keys.rs; a test compares them. -->

`ostiary serve` and `ostiary dev` take each setting from the first of:

1. a flag of the command line;
2. an environment variable;
3. one TOML file, named by `--config` or `OSTIARY_CONFIG`;
4. the default.

Secrets have no flag, because other processes can read a command line; `--database-url` is there for databases without
a password. Instead each can be named by the file that holds it: `OSTIARY_MASTER_KEY_FILE=/run/secrets/master-key` in
the environment, `master_key_file` in the TOML file. A line break at the end of such a file is not part of the secret.
Relative paths start at the working directory.

A key of the file or an `OSTIARY_*` variable that is not listed here is an error, as is a value that does not fit.
All errors are reported at once, before anything starts. Variables that Kubernetes and Docker add for a service called
`ostiary` are left alone, and so is everything that starts with `OSTIARY_TEST_`.

`ostiary config check` reads the configuration and reports what is wrong; `ostiary config show` prints it with the
place of each value and without secrets.

A small production file:

```toml
public_url = \"https://auth.example.com\"
listen = \"0.0.0.0:8080\"
trusted_proxies = [\"10.0.0.0/8\"]
master_key_file = \"/run/secrets/master-key\"

[database]
url_file = \"/run/secrets/database-url\"

[smtp]
url_file = \"/run/secrets/smtp-url\"

[mail]
from = \"no-reply@example.com\"
```
";

/// The reference of all keys, Markdown.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    for key in KEYS {
        section(&mut page, key).expect("writing to a String does not fail");
    }
    page
}

fn section(page: &mut String, key: &Key) -> std::fmt::Result {
    writeln!(page, "\n## `{}`\n\n{}\n", key.path, key.help)?;
    writeln!(page, "- Takes: {}", key.kind)?;
    match key.fallback {
        Fallback::Nothing => writeln!(page, "- Default: not set")?,
        Fallback::Value("") => writeln!(page, "- Default: empty")?,
        Fallback::Value(value) => writeln!(page, "- Default: `{value}`")?,
        Fallback::ByMode { serve, dev } => {
            writeln!(page, "- Default: `{serve}` under `serve`, `{dev}` under `dev`")?;
        }
    }
    if let Some(flag) = key.flag {
        writeln!(page, "- Flag: `--{flag}`")?;
    }
    write!(page, "- Environment: `{}`", key.variable())?;
    if let Some(file_variable) = key.file_variable() {
        write!(page, " or `{file_variable}`")?;
    }
    writeln!(page)?;
    if let Some(file_path) = key.file_path() {
        writeln!(page, "- Secret; in a file of its own: `{file_path}`")?;
    }
    Ok(())
}
