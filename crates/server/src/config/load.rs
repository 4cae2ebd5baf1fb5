//! Reading all sources into one configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::keys::{KEYS, is_loopback};
use super::problems::{Problem, Problems};
use super::sources::{Entry, Sources, Written, entries_of_environment, entries_of_file, entries_of_flags};
use super::values::{Given, Raw};
use super::{Config, Mode, SmsProvider};

/// Largest file a secret is read from, bytes: enough for any, small enough for a mistaken path.
const SECRET_BYTES_MAX: usize = 64 * 1024;

/// Reads and checks everything; later sources overwrite earlier ones.
pub(super) fn load(sources: &Sources) -> Result<Config, Problems> {
    let mut config = Config::unset(sources.mode);
    for key in KEYS {
        if let Some(value) = key.default_for(sources.mode) {
            (key.set)(&mut config, &Given::new(key, &Raw::Text(value.to_owned())))
                .unwrap_or_else(|reason| unreachable!("the default of {} is valid, but {reason}", key.path));
        }
    }
    let mut problems = Vec::new();
    let mut failed = BTreeSet::new();
    let mut apply_layer = |layer: Vec<Entry>, problems: &mut Vec<Problem>| {
        refuse_secrets_given_twice(&layer, problems);
        for entry in layer {
            if let Err(reason) = apply(&entry, sources.read_secret, &mut config) {
                failed.insert(entry.key.path);
                problems
                    .push(Problem { source: entry.source, reason: format!("{} {reason}", entry.key.path) });
            } else {
                config.origins.insert(entry.key.path, entry.source);
            }
        }
    };
    if let Some(file) = &sources.file {
        let layer = entries_of_file(file, &mut problems);
        apply_layer(layer, &mut problems);
    }
    let layer = entries_of_environment(&sources.environment, &mut problems);
    apply_layer(layer, &mut problems);
    let layer = entries_of_flags(&sources.flags, &mut problems);
    apply_layer(layer, &mut problems);

    check_together(&config, &failed, &mut problems);
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    config.sms = match &config.sms_parts {
        super::SmsParts { url: Some(url), headers, body: Some(body) } => Some(SmsProvider {
            url: url.clone(),
            headers: headers.clone().unwrap_or_default(),
            body: body.clone(),
        }),
        _ => None,
    };
    Ok(config)
}

fn apply(
    entry: &Entry,
    read_secret: fn(&Path) -> io::Result<String>,
    config: &mut Config,
) -> Result<(), String> {
    match &entry.written {
        Written::Here(raw) => (entry.key.set)(config, &Given::new(entry.key, raw)),
        Written::InFile(path) => {
            let name = path.display();
            let text = read_secret(path).map_err(|error| format!("cannot be read from {name}: {error}"))?;
            if text.len() > SECRET_BYTES_MAX {
                return Err(format!("cannot be read from {name}: it has more than {SECRET_BYTES_MAX} bytes"));
            }
            // Editors and `echo` end files with a line break that is no part of the secret.
            let raw = Raw::Text(text.trim_end_matches(['\r', '\n']).to_owned());
            (entry.key.set)(config, &Given::new(entry.key, &raw))
                .map_err(|reason| format!("in {name} {reason}"))
        }
    }
}

/// One source that holds a secret and also names a file for it leaves open which one is meant.
fn refuse_secrets_given_twice(layer: &[Entry], problems: &mut Vec<Problem>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for entry in layer {
        if let Some(other) = seen.insert(entry.key.path, &entry.source) {
            problems.push(Problem {
                source: entry.source.clone(),
                reason: format!("{} is already given by {other}; keep one of them", entry.key.path),
            });
        }
    }
}

/// Rules over several keys. A rule stays silent when one of its keys could not be read, since its complaint
/// could be false.
fn check_together(config: &Config, failed: &BTreeSet<&str>, problems: &mut Vec<Problem>) {
    let mut check = |keys: &[&str], holds: bool, reason: &str| {
        if !holds && !keys.iter().any(|key| failed.contains(key)) {
            let source = config.origins.get(keys[0]).cloned().unwrap_or_else(|| keys[0].to_owned());
            problems.push(Problem { source, reason: reason.to_owned() });
        }
    };
    let serve = config.mode == Mode::Serve;
    check(
        &["master_key"],
        !serve || config.master_key.is_some(),
        "required under `serve`: set OSTIARY_MASTER_KEY_FILE or OSTIARY_MASTER_KEY \
         (make a key with `openssl rand -base64 32`)",
    );
    check(
        &["public_url"],
        !serve || config.public_url.is_some(),
        "required under `serve`: set OSTIARY_PUBLIC_URL to the address that members reach the server at",
    );
    let tls = &config.tls;
    let has_certificate = tls.certificate_file.is_some();
    check(
        &["tls.certificate_file", "tls.private_key_file"],
        has_certificate == tls.private_key_file.is_some(),
        "tls.certificate_file and tls.private_key_file are set together or not at all",
    );
    check(
        &["tls.listen", "tls.certificate_file", "tls.private_key_file"],
        !serve || tls.listen.is_none() || has_certificate,
        "tls.listen needs tls.certificate_file and tls.private_key_file under `serve`",
    );
    check(
        &["tls.certificate_file", "tls.listen"],
        !has_certificate || tls.listen.is_some(),
        "tls.certificate_file has no effect without tls.listen",
    );
    check(
        &["smtp.url", "mail.from"],
        config.mail.relay.is_none() || config.mail.from.is_some(),
        "smtp.url needs mail.from, the sender of all mails",
    );
    check(
        &["sms.headers", "sms.url"],
        config.sms_parts.headers.is_none() || config.sms_parts.url.is_some(),
        "sms.headers has no effect without sms.url",
    );
    check(
        &["passwords.argon2_memory_kib", "passwords.argon2_iterations", "passwords.argon2_parallelism"],
        config.passwords.argon2().is_some(),
        "passwords.argon2_memory_kib must be at least 8 for each lane, and at most 4194304 when multiplied by \
         passwords.argon2_iterations",
    );
    let listeners = [
        ("listen", Some(config.listen)),
        ("tls.listen", tls.listen),
        ("metrics.listen", config.metrics_listen),
    ];
    for (path, address) in listeners {
        check(
            &[path, "dev.allow_remote"],
            serve || config.allow_remote || address.is_none_or(is_loopback),
            "`dev` listens on the loopback interface only, because everyone who reaches it can read its inbox; \
             allow it with --allow-remote",
        );
    }
    for (at, (path, address)) in listeners.iter().enumerate() {
        let taken = listeners[..at]
            .iter()
            .find(|(_, other)| other.is_some_and(|o| o.port() != 0 && Some(o) == *address));
        if let Some((other, _)) = taken {
            check(&[path, other], false, &format!("{path} and {other} are the same address"));
        }
    }
}
