use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::*;

const KEY: &str = "m6yHPgN8Rwc1QmBoQOZcWYpbeUZoICJlhR7pkmYJdcg=";

/// Files that hold secrets.
fn secret_files(path: &Path) -> io::Result<String> {
    match path.to_str() {
        Some("/secrets/key") => Ok(format!("{KEY}\n")),
        Some("/secrets/database") => Ok("postgres://ostiary:hunter2@db/ostiary\r\n".to_owned()),
        Some("/run/secrets/master-key") => Ok(KEY.to_owned()),
        Some("/run/secrets/database-url") => Ok("postgres://db/ostiary".to_owned()),
        Some("/run/secrets/smtp-url") => Ok("smtps://mail.example.com".to_owned()),
        Some("/secrets/empty") => Ok("\n".to_owned()),
        Some("/secrets/huge") => Ok("x".repeat(100_000)),
        _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn sources(mode: Mode, flags: &[(&str, &str)], environment: &[(&str, &str)], file: &str) -> Sources {
    Sources {
        mode,
        flags: map(flags),
        environment: map(environment),
        file: (!file.is_empty())
            .then(|| TomlFile { path: PathBuf::from("ostiary.toml"), text: file.to_owned() }),
        read_secret: secret_files,
    }
}

fn dev(flags: &[(&str, &str)], environment: &[(&str, &str)], file: &str) -> Result<Config, Problems> {
    Config::load(&sources(Mode::Dev, flags, environment, file))
}

fn serve(environment: &[(&str, &str)], file: &str) -> Result<Config, Problems> {
    Config::load(&sources(Mode::Serve, &[], environment, file))
}

/// The problems of a configuration, each as `source: reason`.
fn complaints(loaded: Result<Config, Problems>) -> Vec<String> {
    loaded.expect_err("the configuration is refused").0.iter().map(ToString::to_string).collect()
}

#[test]
fn dev_needs_nothing() {
    let config = dev(&[], &[], "").unwrap();
    assert_eq!(config.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.data, Path::new("ostiary-data"));
    assert_eq!(config.log.format, LogFormat::Text);
    assert_eq!(config.database.durability, Durability::Full);
    assert_eq!(config.body_bytes_max, 1 << 20);
    assert_eq!(config.jwt_reuse, Duration::from_secs(10));
    assert!(config.master_key.is_none() && config.metrics_listen.is_none() && config.sms.is_none());
}

#[test]
fn serve_requires_a_master_key_and_a_public_address() {
    assert_eq!(
        complaints(serve(&[], "")),
        [
            "master_key: required under `serve`: set OSTIARY_MASTER_KEY_FILE or OSTIARY_MASTER_KEY (make a key with `openssl rand -base64 32`)",
            "public_url: required under `serve`: set OSTIARY_PUBLIC_URL to the address that members reach the server at",
        ]
    );
    let environment = [("OSTIARY_MASTER_KEY", KEY), ("OSTIARY_PUBLIC_URL", "https://auth.example.com/")];
    let config = serve(&environment, "").unwrap();
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.public_url("0.0.0.0:80".parse().unwrap()), "https://auth.example.com");
}

#[test]
fn flags_win_over_environment_over_file_over_default() {
    let file = "listen = \"127.0.0.1:1\"";
    let environment = [("OSTIARY_LISTEN", "127.0.0.1:2")];
    let flags = [("listen", "127.0.0.1:3")];
    for (flags, environment, file, port, origin) in [
        (&flags[..], &environment[..], file, 3, "--listen"),
        (&[], &environment[..], file, 2, "OSTIARY_LISTEN"),
        (&[], &[], file, 1, "ostiary.toml line 1"),
        (&[], &[], "", 8080, "default"),
    ] {
        let config = dev(flags, environment, file).unwrap();
        assert_eq!(config.listen.port(), port);
        let line = format!("listen = \"127.0.0.1:{port}\"  # {origin}\n");
        assert!(config.to_string().starts_with(&line), "{config}");
    }
}

#[test]
fn every_key_is_read_from_the_file_and_from_the_environment() {
    let file = r#"
        listen = "127.0.0.1:4000"
        public_url = "https://auth.example.com"
        data = "/var/lib/ostiary"
        master_key_file = "/secrets/key"
        trusted_proxies = ["10.0.0.0/8", "::1"]
        drain_seconds = 5
        drain_notice_seconds = 3
        body_bytes_max = 2_048
        jwt_reuse_seconds = 0
        database = { url_file = "/secrets/database", connections_max = 4, durability = "normal" }
        tls = { listen = "127.0.0.1:4443", certificate_file = "c.pem", private_key_file = "k.pem" }
        metrics.listen = "127.0.0.1:4001"
        log = { format = "text", level = "warn,ostiary_store=debug" }
        smtp.url = "smtp://ada:hunter2@mail.example.com"
        mail = { from = "no-reply@example.com", from_name = "Example \"Auth\"" }
        sms.url = "https://sms.example.com/send?token=hunter2"
        sms.headers = { Authorization = "Bearer hunter2" }
        sms.body = '{"number":"{to}","message":"{text}"}'
        passwords.argon2_memory_kib = 65_536
        passwords.argon2_iterations = 3
        passwords.argon2_parallelism = 4
        passwords.hashing_threads = 2
        passwords.breach_url = "https://breaches.example.com/range/"
        passwords.breach_file = "breaches.txt"
        outbound.allowed_networks = ["192.168.0.0/16"]
        rate_limits.enabled = false
        dev.allow_remote = true
    "#;
    let environment = [
        ("OSTIARY_LISTEN", "127.0.0.1:4000"),
        ("OSTIARY_PUBLIC_URL", "https://auth.example.com"),
        ("OSTIARY_DATA", "/var/lib/ostiary"),
        ("OSTIARY_MASTER_KEY", KEY),
        ("OSTIARY_TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("OSTIARY_DRAIN_SECONDS", "5"),
        ("OSTIARY_DRAIN_NOTICE_SECONDS", "3"),
        ("OSTIARY_BODY_BYTES_MAX", "2048"),
        ("OSTIARY_JWT_REUSE_SECONDS", "0"),
        ("OSTIARY_DATABASE_URL_FILE", "/secrets/database"),
        ("OSTIARY_DATABASE_CONNECTIONS_MAX", "4"),
        ("OSTIARY_DATABASE_DURABILITY", "normal"),
        ("OSTIARY_TLS_LISTEN", "127.0.0.1:4443"),
        ("OSTIARY_TLS_CERTIFICATE_FILE", "c.pem"),
        ("OSTIARY_TLS_PRIVATE_KEY_FILE", "k.pem"),
        ("OSTIARY_METRICS_LISTEN", "127.0.0.1:4001"),
        ("OSTIARY_LOG_FORMAT", "text"),
        ("OSTIARY_LOG_LEVEL", "warn,ostiary_store=debug"),
        ("OSTIARY_SMTP_URL", "smtp://ada:hunter2@mail.example.com"),
        ("OSTIARY_MAIL_FROM", "no-reply@example.com"),
        ("OSTIARY_MAIL_FROM_NAME", "Example \"Auth\""),
        ("OSTIARY_SMS_URL", "https://sms.example.com/send?token=hunter2"),
        ("OSTIARY_SMS_HEADERS", r#"{"Authorization":"Bearer hunter2"}"#),
        ("OSTIARY_SMS_BODY", r#"{"number":"{to}","message":"{text}"}"#),
        ("OSTIARY_PASSWORDS_ARGON2_MEMORY_KIB", "65536"),
        ("OSTIARY_PASSWORDS_ARGON2_ITERATIONS", "3"),
        ("OSTIARY_PASSWORDS_ARGON2_PARALLELISM", "4"),
        ("OSTIARY_PASSWORDS_HASHING_THREADS", "2"),
        ("OSTIARY_PASSWORDS_BREACH_URL", "https://breaches.example.com/range/"),
        ("OSTIARY_PASSWORDS_BREACH_FILE", "breaches.txt"),
        ("OSTIARY_OUTBOUND_ALLOWED_NETWORKS", "192.168.0.0/16"),
        ("OSTIARY_RATE_LIMITS_ENABLED", "false"),
        ("OSTIARY_DEV_ALLOW_REMOTE", "true"),
    ];
    let without_origins = |config: &Config| -> Vec<String> {
        config.to_string().lines().map(|line| line.split("  # ").next().unwrap_or("").to_owned()).collect()
    };
    let from_file = serve(&[], file).unwrap();
    let from_environment = serve(&environment, "").unwrap();
    assert_eq!(without_origins(&from_file), without_origins(&from_environment));
    for config in [&from_file, &from_environment] {
        let shown = config.to_string();
        assert!(
            !shown.contains("is not set") && !shown.contains("# default"),
            "a key was not read:\n{shown}"
        );
        assert_eq!(config.database.url.as_ref().unwrap().expose(), "postgres://ostiary:hunter2@db/ostiary");
        assert_eq!(config.master_key, Some(MasterKey::parse(KEY).unwrap()));
        assert_eq!(config.trusted_proxies.len(), 2);
        assert_eq!(config.mail.relay.as_ref().unwrap().port, 587);
        let sms = config.sms.as_ref().unwrap();
        assert_eq!(sms.headers["authorization"], "Bearer hunter2");
        assert_eq!(sms.body.render("+1", "hi"), r#"{"number":"+1","message":"hi"}"#);
        assert_eq!(config.ending.drain, Duration::from_secs(5));
    }
}

#[test]
fn shown_configuration_is_toml_without_secrets() {
    let environment = [
        ("OSTIARY_MASTER_KEY", KEY),
        ("OSTIARY_PUBLIC_URL", "https://auth.example.com"),
        ("OSTIARY_DATABASE_URL", "postgres://ostiary:hunter2@db/ostiary"),
        ("OSTIARY_SMTP_URL", "smtps://ada:hunter2@mail.example.com"),
        ("OSTIARY_MAIL_FROM", "no-reply@example.com"),
        ("OSTIARY_MAIL_FROM_NAME", "Tabs \"and\" quotes"),
        ("OSTIARY_SMS_URL", "https://sms.example.com/hunter2"),
        ("OSTIARY_SMS_HEADERS", r#"{"x-key":"hunter2"}"#),
    ];
    let config = serve(&environment, "").unwrap();
    for shown in [
        config.to_string(),
        format!("{config:?}"),
        format!("{:?}", (&config.sms, &config.mail, &config.database)),
    ] {
        assert!(!shown.contains("hunter2") && !shown.contains(KEY), "{shown}");
    }
    let parsed: toml::Table = config.to_string().parse().unwrap();
    assert_eq!(parsed["database"]["url"].as_str(), Some("***"));
    assert_eq!(parsed["mail"]["from_name"].as_str(), Some("Tabs \"and\" quotes"));
}

#[test]
fn all_problems_are_named_at_once_with_their_place() {
    let file = "listen = 8080\npublic_url = \"https://auth.example.com\"\n\n[databse]\nurl = \"x\"\n[database]\nurl = \"mysql://ada:hunter2@db\"\n";
    let environment = [
        ("OSTIARY_DRAIN_SECONDS", "soon"),
        ("OSTIARY_LISTN", "127.0.0.1:1"),
        ("OSTIARY_MASTER_KEY", "c2hvcnQ="),
        ("OSTIARY_TEST_DATABASE", "left alone"),
        ("OSTIARY_SERVICE_HOST", "10.0.0.1"),
        ("PATH", "/usr/bin"),
    ];
    assert_eq!(
        complaints(serve(&environment, file)),
        [
            "ostiary.toml line 4: databse is not known; did you mean database?",
            "ostiary.toml line 7: database.url must start with postgres:// or postgresql://",
            "ostiary.toml line 1: listen takes an IP address and port such as 127.0.0.1:8080 or [::1]:8080",
            "OSTIARY_LISTN: is not known; did you mean OSTIARY_LISTEN?",
            "OSTIARY_DRAIN_SECONDS: drain_seconds \"soon\" is not a number of seconds from 0 to 600",
            "OSTIARY_MASTER_KEY: master_key has 5 bytes; a master key has 32",
        ]
    );
}

#[test]
fn one_bad_value_is_named_with_its_reason() {
    for (file, complaint) in [
        ("listen = \"localhost\"", "listen \"localhost\" is not an IP address and port"),
        ("listen = \"127.0.0.1:99999\"", "is not an IP address and port"),
        ("listen = \"\"", "listen is empty"),
        ("lisTen = \"127.0.0.1:1\"", "lisTen is not known; did you mean listen?"),
        ("tls = \"on\"", "tls is a table: write [tls]"),
        ("[tls]\nlisten_file = \"x\"", "tls.listen_file is not known"),
        (
            "[database]\nconnections_max = 0",
            "database.connections_max 0 is not a number of connections from 1 to 1000",
        ),
        ("[database]\nconnections_max = 1001", "1001 is not"),
        ("[database]\nconnections_max = -1", "-1 is not"),
        ("[database]\nconnections_max = 1.5", "takes a number of connections from 1 to 1000"),
        ("[database]\ndurability = \"some\"", "\"some\" is not full or normal"),
        ("[database]\nurl_file = 1", "database.url_file takes the name of a file"),
        ("[database]\nurl_file = \"/nowhere\"", "database.url cannot be read from /nowhere: no such file"),
        ("[database]\nurl_file = \"/secrets/huge\"", "it has more than 65536 bytes"),
        ("[database]\nurl_file = \"/secrets/empty\"", "database.url in /secrets/empty is empty"),
        ("jwt_reuse_seconds = 61", "61 is not a number of seconds from 0 to 60"),
        ("body_bytes_max = 5000000000", "5000000000 is not a number of bytes"),
        ("trusted_proxies = \"10.0.0.0/8\"\nlisten = 1", "listen takes"),
        ("trusted_proxies = [1]", "takes a list of address ranges"),
        ("trusted_proxies = [\"10.0.0.1/8\"]", "the range is 10.0.0.0/8"),
        ("public_url = \"auth.example.com\"", "\"auth.example.com\" is not an address"),
        ("public_url = \"ftp://auth.example.com\"", "is not an origin"),
        ("public_url = \"https://auth.example.com/login\"", "is not an origin"),
        ("public_url = \"https://ada:x@auth.example.com\"", "is not an origin"),
        ("public_url = \"https://auth.example.com/?x\"", "is not an origin"),
        ("log.level = \"loud\"", "\"loud\" is not a level"),
        ("log.level = \"info,ostiary=loud\"", "is not a list of levels"),
        ("mail.from = \"no-reply\"", "\"no-reply\" is not a mail address"),
        ("mail.from_name = \"a\\r\\nBcc: x\"", "contains a line break"),
        ("smtp.url = \"mail.example.com\"", "smtp.url is not an address such as"),
        ("sms.url = \"ftp://sms.example.com\"", "must start with https://"),
        ("sms.url = \"https://a:b@sms.example.com\"", "put credentials into `sms.headers`"),
        (
            "sms.url = \"https://sms.example.com\"\nsms.headers = { \"a b\" = \"x\" }",
            "\"a b\" is not a header name",
        ),
        (
            "sms.url = \"https://sms.example.com\"\nsms.headers = { a = \"x\\ny\" }",
            "the value of a is not one line",
        ),
        ("sms.url = \"https://sms.example.com\"\nsms.headers = { a = 1 }", "takes a table of texts"),
        ("sms.headers = { a = \"x\" }", "no effect without sms.url"),
        ("sms.body = \"{to}\"", "sms.body is not JSON"),
        ("passwords.breach_url = \"ftp://breaches.example.com/\"", "must start with https://"),
        ("passwords.breach_url = \"https://breaches.example.com/range\"", "must end with a slash"),
        ("passwords.argon2_memory_kib = 1024", "1024 is not a number of KiB from 7168 to 262144"),
        (
            "[passwords]\nargon2_memory_kib = 262144\nargon2_iterations = 17",
            "at most 4194304 when multiplied by passwords.argon2_iterations",
        ),
        ("dev.allow_remote = \"yes\"", "\"yes\" is not true or false"),
        ("smtp.url = \"smtp://mail.example.com\"", "smtp.url needs mail.from"),
        ("tls.certificate_file = \"c.pem\"\ntls.listen = \"127.0.0.1:1\"", "are set together or not at all"),
        ("tls.certificate_file = \"c\"\ntls.private_key_file = \"k\"", "no effect without tls.listen"),
        ("tls.listen = \"127.0.0.1:8080\"", "tls.listen and listen are the same address"),
        ("listen = ", "ostiary.toml line 1: "),
        ("[a\nb = 1", "ostiary.toml line 1: "),
    ] {
        let complaints = complaints(dev(&[], &[], file));
        assert_eq!(complaints.len(), 1, "{file}: {complaints:?}");
        assert!(complaints[0].contains(complaint), "{file}: {complaints:?}");
    }
}

#[test]
fn secret_given_twice_by_one_source_is_refused_but_sources_override_each_other() {
    let twice = [("OSTIARY_MASTER_KEY", KEY), ("OSTIARY_MASTER_KEY_FILE", "/secrets/key")];
    assert_eq!(
        complaints(dev(&[], &twice, "")),
        ["OSTIARY_MASTER_KEY_FILE: master_key is already given by OSTIARY_MASTER_KEY; keep one of them"]
    );
    let config = dev(&[], &twice[..1], "master_key_file = \"/secrets/key\"").unwrap();
    assert_eq!(config.master_key, Some(MasterKey::parse(KEY).unwrap()));
}

#[test]
fn only_secrets_have_file_forms_and_of_them_only_the_database_has_a_flag() {
    assert_eq!(
        complaints(dev(&[], &[("OSTIARY_LISTEN_FILE", "/secrets/key")], "")),
        ["OSTIARY_LISTEN_FILE: is not known"]
    );
    assert_eq!(
        complaints(dev(&[("master_key", KEY)], &[], "")),
        ["master_key: cannot be set by a flag; use the environment or the file"]
    );
    let secrets_with_flags: Vec<&str> =
        KEYS.iter().filter(|key| key.secret).filter_map(|key| key.flag).collect();
    assert_eq!(secrets_with_flags, ["database-url"]);
}

#[test]
fn dev_stays_on_the_loopback_interface_unless_told() {
    for (key, address, is_local) in [
        ("listen", "127.0.0.1:1", true),
        ("listen", "127.9.9.9:1", true),
        ("listen", "[::1]:1", true),
        ("listen", "[::ffff:127.0.0.1]:1", true),
        ("listen", "0.0.0.0:1", false),
        ("listen", "[::]:1", false),
        ("listen", "192.168.1.1:1", false),
        ("listen", "[::ffff:192.168.1.1]:1", false),
        ("tls.listen", "0.0.0.0:1", false),
        ("metrics.listen", "0.0.0.0:1", false),
    ] {
        assert_eq!(dev(&[(key, address)], &[], "").is_ok(), is_local, "{key} {address}");
        assert!(dev(&[(key, address), ("dev.allow_remote", "true")], &[], "").is_ok(), "{key} {address}");
    }
}

#[test]
fn tls_under_serve_needs_its_files_and_under_dev_may_use_the_development_authority() {
    let environment = [
        ("OSTIARY_MASTER_KEY", KEY),
        ("OSTIARY_PUBLIC_URL", "https://auth.example.com"),
        ("OSTIARY_TLS_LISTEN", "0.0.0.0:443"),
    ];
    assert_eq!(
        complaints(serve(&environment, "")),
        ["OSTIARY_TLS_LISTEN: tls.listen needs tls.certificate_file and tls.private_key_file under `serve`"]
    );
    assert!(dev(&[("tls.listen", "127.0.0.1:8443")], &[], "").is_ok());
}

#[test]
fn public_address_under_dev_follows_the_bound_address() {
    let config = dev(&[], &[], "").unwrap();
    for (bound, url) in [
        ("127.0.0.1:8080", "http://localhost:8080"),
        ("[::1]:8080", "http://localhost:8080"),
        ("0.0.0.0:41234", "http://localhost:41234"),
        ("192.168.1.5:80", "http://192.168.1.5:80"),
        ("[fd00::1]:80", "http://[fd00::1]:80"),
    ] {
        assert_eq!(config.public_url(bound.parse().unwrap()), url);
    }
}

#[test]
fn names_of_keys_are_distinct_in_every_source() {
    let mut variables = BTreeSet::new();
    let mut paths = BTreeSet::new();
    let mut flags = BTreeSet::new();
    for key in KEYS {
        for variable in [Some(key.variable()), key.file_variable()].into_iter().flatten() {
            assert!(!variable.starts_with("OSTIARY_TEST_") && variables.insert(variable), "{}", key.path);
        }
        for path in [Some(key.path.to_owned()), key.file_path()].into_iter().flatten() {
            assert!(paths.insert(path), "{}", key.path);
        }
        assert!(key.flag.is_none_or(|flag| flags.insert(flag)), "{}", key.path);
    }
    // A key that is also a table of keys could not be told apart in the file.
    for key in KEYS {
        assert!(!KEYS.iter().any(|other| other.path.starts_with(&format!("{}.", key.path))), "{}", key.path);
    }
}

#[test]
fn example_of_the_reference_is_a_valid_production_file() {
    let page = reference();
    let example = page.split("```").nth(1).and_then(|block| block.strip_prefix("toml\n")).unwrap();
    let config = serve(&[], example).unwrap();
    assert!(config.database.url.is_some() && config.mail.relay.is_some() && config.master_key.is_some());
}

/// Rewrites the page when OSTIARY_TEST_UPDATE is set.
#[test]
fn reference_in_the_documents_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    if std::env::var_os("OSTIARY_TEST_UPDATE").is_some() {
        std::fs::write(&path, reference()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == reference(),
        "docs/configuration.md is out of date: run this test with OSTIARY_TEST_UPDATE=1"
    );
}
