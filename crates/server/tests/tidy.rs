//! Rules about the sources that the compiler cannot check: who may name what, and what no file may contain.
//!
//! `ARCHITECTURE.md` explains the borders; this reads the `use` lines and paths of all crates and guards them. A broken
//! rule prints its reason. Exceptions name one file each, and one that is no longer needed fails too: the lists only
//! shrink. Test code may name what it likes.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The most lines of a file, tests not counted: more is asking to be two files.
const LINES_MAX: usize = 700;
/// Files that may be longer, since they are one table.
const LONG_FILES: &[&str] = &["crates/core/src/error.rs"];

/// Names that are forbidden in some place.
struct Rule {
    /// Where: files whose path begins with one of these.
    within: &'static [&'static str],
    /// The part of it where the names are at home.
    home: &'static [&'static str],
    /// What may not be named there: beginnings of paths.
    names: &'static [&'static str],
    /// Why.
    because: &'static str,
    /// Files that do it all the same, and why they may.
    exceptions: &'static [(&'static str, &'static str)],
}

const RULES: &[Rule] = &[
    Rule {
        within: &["crates/core/src/", "crates/proto/src/", "crates/pages/src/"],
        home: &[],
        names: &[
            "tokio",
            "axum",
            "http",
            "hyper",
            "tracing",
            "rusqlite",
            "tokio_postgres",
            "rand",
            "std::fs",
            "std::env",
            "std::thread",
            "std::process",
            "std::net::TcpListener",
            "std::net::TcpStream",
            "std::net::UdpSocket",
            "std::time::SystemTime",
            "std::time::Instant",
            "uuid::Uuid::new_v4",
            "uuid::Uuid::now_v7",
        ],
        because: "rules, formats and pages are functions of their arguments, so that a test can ask them anything: \
                  no I/O, no clock, no logging, and chance only as a RandomSource",
        exceptions: &[],
    },
    Rule {
        within: &["crates/"],
        home: &["crates/store/src/seam/"],
        names: &["rusqlite", "tokio_postgres", "deadpool_postgres", "libsqlite3_sys"],
        because: "one folder knows the database drivers; everything above speaks the portable subset of SQL",
        exceptions: &[],
    },
    Rule {
        within: &["crates/store/src/"],
        home: &[],
        names: &["axum", "http", "hyper", "ostiary_proto", "ostiary_pages", "ostiary_server"],
        because: "the store keeps values; what travels, is signed or is shown is not its business",
        exceptions: &[],
    },
    Rule {
        within: &["crates/server/src/ops/"],
        home: &[],
        names: &["axum", "http", "hyper", "tower_service", "crate::http", "crate::listen"],
        because: "operations do not know how a request came in: both surfaces, jobs and the command line call them",
        exceptions: &[],
    },
    Rule {
        within: &["crates/server/src/ops/"],
        home: &[],
        names: &["crate::outbound", "crate::jobs", "crate::config", "lettre", "std::fs"],
        because: "operations talk to the world by writing outbox rows, which are sent after the commit",
        exceptions: &[],
    },
    Rule {
        within: &["crates/server/src/ops/"],
        home: &[],
        names: &["crate::wire"],
        because: "names and shapes of JSON belong to the surfaces",
        exceptions: &[
            ("ops/sessions/render.rs", "a session's answer is kept encoded, so that it can be given again"),
            ("ops/search/mod.rs", "a search is a document of its own, with operands by name"),
            ("ops/search/filters.rs", "a search is a document of its own, with operands by name"),
            ("ops/search/m2m_clients.rs", "a search is a document of its own, with operands by name"),
        ],
    },
    Rule {
        within: &["crates/server/src/"],
        home: &["crates/server/src/ops/login.rs"],
        names: &["ostiary_store::sessions::insert", "ostiary_core::login::decide"],
        because: "every session comes from ops::login::finish, which asks the one login decision",
        exceptions: &[],
    },
    Rule {
        within: &["crates/server/src/http/", "crates/server/src/wire/"],
        home: &[],
        names: &["ostiary_store"],
        because: "surfaces decode, call an operation and encode; loading and writing is the operation's",
        exceptions: &[
            ("http/pages.rs", "the page behind a link shows where it leads, and no more"),
            ("http/dev.rs", "the inbox and the clock exist for development only and have no rules"),
        ],
    },
    Rule {
        within: &["crates/server/src/http/", "crates/server/src/wire/"],
        home: &[],
        names: &["crate::outbound", "crate::jobs", "lettre"],
        because: "a request never waits for a relay or another server; the jobs send what is in the outbox",
        exceptions: &[(
            "http/dev.rs",
            "the inbox delivers before it lists, so that a test need not wait for the job",
        )],
    },
    Rule {
        within: &["crates/server/src/wire/"],
        home: &[],
        names: &["axum", "crate::http", "crate::ops"],
        because: "the shapes of objects do not depend on who asks for them",
        exceptions: &[],
    },
    Rule {
        within: &["crates/server/src/outbound/"],
        home: &[],
        names: &["ostiary_store", "crate::ops", "crate::http", "crate::jobs"],
        because: "senders know addresses and messages, nothing of members or of where messages wait",
        exceptions: &[],
    },
    Rule {
        within: &["crates/server/src/jobs/"],
        home: &[],
        names: &["crate::http", "axum"],
        because: "jobs run without a request",
        exceptions: &[],
    },
    Rule {
        within: &["crates/server/src/listen/", "crates/server/src/telemetry/", "crates/server/src/config/"],
        home: &[],
        names: &["ostiary_store", "crate::ops", "crate::http", "crate::jobs", "crate::app"],
        because: "sockets, counters and settings serve any application; they know nothing of this one",
        exceptions: &[],
    },
    Rule {
        within: &["crates/"],
        home: &["crates/server/src/clock.rs"],
        names: &["std::time::SystemTime", "time::OffsetDateTime::now_utc"],
        because: "one clock, so that a test can move it and one request sees one time",
        exceptions: &[
            ("store/src/migrate.rs", "when a migration ran is a note for operators"),
            ("telemetry/json.rs", "log lines carry the true time, also when the development clock was moved"),
        ],
    },
    Rule {
        within: &["crates/server/src/", "crates/ostiary/src/"],
        home: &["crates/server/src/run.rs"],
        names: &["ostiary_proto::random::SystemRandom"],
        because: "ids, tokens and codes come from the one source in App, so that a test can choose them",
        exceptions: &[],
    },
    Rule {
        within: &["crates/"],
        home: &["crates/proto/src/"],
        names: &["aws_lc_rs"],
        because: "cryptography is in one place where it can be reviewed",
        exceptions: &[
            ("config/master_key.rs", "makes the development key before there is a server"),
            ("listen/tls.rs", "the fingerprint of a certificate file that may have changed"),
            ("src/devca.rs", "key identifiers in development certificates"),
        ],
    },
    Rule {
        within: &["crates/"],
        home: &["crates/server/src/config/sources.rs"],
        names: &["std::env::var", "std::env::var_os", "std::env::vars", "std::env::vars_os"],
        because: "every setting is a row of the table of keys, so that a misspelled variable is an error",
        exceptions: &[("store/src/testing.rs", "where the tests find a PostgreSQL server")],
    },
    Rule {
        within: &["crates/server/src/", "crates/ostiary/src/"],
        home: &["crates/server/src/jobs/", "crates/server/src/listen/", "crates/server/src/run.rs"],
        names: &["tokio::spawn", "tokio::task::spawn", "std::thread::spawn"],
        because: "a task that nobody waits for is cut off when the server stops",
        exceptions: &[],
    },
];

/// What each crate may use of the others.
const DEPENDENCIES: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("proto", &["ostiary-core"]),
    ("pages", &["ostiary-core"]),
    ("store", &["ostiary-core"]),
    ("server", &["ostiary-core", "ostiary-proto", "ostiary-pages", "ostiary-store"]),
    ("ostiary", &["ostiary-server"]),
];

/// Macros and words that say that something is not finished.
const UNFINISHED: &[&str] = &["todo!", "unimplemented!", "dbg!", "TODO", "FIXME"];

#[test]
fn nobody_names_what_is_not_theirs() {
    let sources = Source::all();
    let mut broken = Vec::new();
    for rule in RULES {
        let mut used = vec![false; rule.exceptions.len()];
        for source in &sources {
            let begins = |places: &[&str]| places.iter().any(|place| source.file.starts_with(place));
            if !begins(rule.within) || begins(rule.home) || source.is_test {
                continue;
            }
            for (line, path) in &source.paths {
                let Some(name) = rule.names.iter().find(|name| is_below(path, name)) else { continue };
                match rule.exceptions.iter().position(|(file, _)| source.file.ends_with(file)) {
                    Some(exception) => used[exception] = true,
                    None => broken.push(format!(
                        "{}:{line}: {path}\n    `{name}` must not be named here: {}",
                        source.file, rule.because
                    )),
                }
            }
        }
        for ((file, reason), is_used) in rule.exceptions.iter().zip(used) {
            assert!(!reason.is_empty(), "the exception {file} needs a reason");
            if !is_used {
                broken.push(format!("{file} is an exception of {:?} but names none: remove it", rule.names));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn crates_depend_in_one_direction() {
    for (name, allowed) in DEPENDENCIES {
        let manifest = read(&root().join("crates").join(name).join("Cargo.toml"));
        let dependencies = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        for line in dependencies.lines().filter(|line| line.starts_with("ostiary-")) {
            let other = line.split([' ', '.', '=']).next().unwrap_or_default();
            assert!(
                allowed.contains(&other),
                "ostiary-{name} must not depend on {other}; see ARCHITECTURE.md"
            );
        }
    }
}

#[test]
fn rules_are_not_asynchronous() {
    for source in Source::all().iter().filter(|source| !source.is_test) {
        if ["crates/core/", "crates/proto/", "crates/pages/"]
            .iter()
            .any(|place| source.file.starts_with(place))
        {
            let found = source.words.get("async").or(source.words.get("await"));
            assert!(
                found.is_none(),
                "{}:{}: a rule waits for nothing",
                source.file,
                found.copied().unwrap_or(0)
            );
        }
    }
}

#[test]
fn files_are_about_one_thing_and_say_which() {
    let mut broken = Vec::new();
    for source in Source::all().iter().filter(|source| !source.is_test) {
        if source.lines > LINES_MAX && !LONG_FILES.contains(&source.file.as_str()) {
            broken.push(format!("{} has {} lines; {LINES_MAX} are the most", source.file, source.lines));
        }
        if !source.text.starts_with("//! ") {
            broken.push(format!("{} begins without a word (`//!`) on what it is for", source.file));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn nothing_is_left_unfinished() {
    for source in Source::all().iter().filter(|source| !source.file.ends_with("tests/tidy.rs")) {
        for (index, line) in source.text.lines().enumerate() {
            let found = UNFINISHED.iter().find(|word| line.contains(**word));
            assert!(found.is_none(), "{}:{}: {}", source.file, index + 1, found.unwrap_or(&""));
        }
    }
}

#[test]
fn nothing_depends_on_one_machine() {
    // Put together, so that this file does not find itself.
    let homes = ["root", "home", "work", "Users"].map(|directory| format!("/{directory}/"));
    let mut files = Vec::new();
    collect(
        &root(),
        &["rs", "toml", "md", "sh", "mjs", "js", "jsx", "ts", "tsx", "py", "json", "html", "css"],
        &mut files,
    );
    for file in files {
        let text = read(&file);
        for (index, line) in text.lines().enumerate() {
            let found = homes.iter().find(|home| {
                line.match_indices(home.as_str()).any(|(at, _)| {
                    // Part of a longer path, such as a route, is something else.
                    !line[..at].ends_with(|before: char| before.is_alphanumeric() || ".-_}".contains(before))
                })
            });
            assert!(found.is_none(), "{}:{}: a path of one machine: {line}", relative(&file), index + 1);
        }
    }
}

/// A source file with the names in it.
struct Source {
    /// Its path from the root of the repository.
    file: String,
    /// Whether all of it is test code.
    is_test: bool,
    /// All of it.
    text: String,
    /// Its lines without the test module at its end.
    lines: usize,
    /// The paths it names outside of its test module, `use` groups taken apart, with their lines.
    paths: Vec<(usize, String)>,
    /// Its words outside of strings, comments and the test module, with the line of the first.
    words: HashMap<String, usize>,
}

impl Source {
    /// All sources of the workspace.
    fn all() -> Vec<Source> {
        let mut files = Vec::new();
        collect(&root().join("crates"), &["rs"], &mut files);
        assert!(files.len() > 100, "the sources are where they are looked for");
        files.iter().map(|file| Source::read(file)).collect()
    }

    fn read(path: &Path) -> Source {
        let (file, text) = (relative(path), read(path));
        let is_test = ["/tests/", "/examples/"].iter().any(|folder| file.contains(folder))
            || file.ends_with("/tests.rs")
            || file.ends_with("_tests.rs");
        let end = text.find("\n#[cfg(test)]\nmod tests {").map_or(text.len(), |at| at + 1);
        let tokens = tokens(&text[..end]);
        let mut words = HashMap::new();
        for (line, token) in &tokens {
            words.entry(token.clone()).or_insert(*line);
        }
        let paths = paths(&tokens, &module_of(&file));
        Source { lines: text[..end].lines().count(), file, is_test, paths, words, text }
    }
}

/// Whether a path is this name or something in it.
fn is_below(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The module that a file is, as segments after `crate`.
fn module_of(file: &str) -> Vec<String> {
    let inner = file.split_once("/src/").map_or(file, |(_, inner)| inner).trim_end_matches(".rs");
    let mut segments: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if segments.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        segments.pop();
    }
    segments
}

/// Words and signs with their lines; comments, texts and characters left out.
fn tokens(text: &str) -> Vec<(usize, String)> {
    let bytes = text.as_bytes();
    let starts = |at: usize, what: &str| bytes[at..].starts_with(what.as_bytes());
    let find =
        |from: usize, what: &str| text[from..].find(what).map_or(text.len(), |at| from + at + what.len());
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while at < bytes.len() {
        let from = at;
        let byte = bytes[at];
        if starts(at, "//") {
            at = text[at..].find('\n').map_or(text.len(), |end| at + end);
        } else if starts(at, "/*") {
            at = find(at, "*/");
        } else if starts(at, "r\"") || starts(at, "r#\"") || starts(at, "br\"") {
            let closing = if text[at..].trim_start_matches('b').starts_with("r#") { "\"#" } else { "\"" };
            let opening = find(at, "\"");
            at = find(opening, closing);
        } else if byte == b'"' {
            at += 1;
            while at < bytes.len() && bytes[at] != b'"' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            at += 1;
        } else if byte == b'\'' {
            // A character; anything else that begins so is a lifetime.
            let inner = text[at + 1..].chars().next().map_or(0, char::len_utf8);
            if starts(at, "'\\") {
                at = find(at + 3, "'");
            } else if bytes.get(at + 1 + inner) == Some(&b'\'') {
                at += inner + 2;
            } else {
                at += 1;
            }
        } else if byte.is_ascii_alphanumeric() || byte == b'_' {
            while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
                at += 1;
            }
            tokens.push((line, text[from..at].to_owned()));
        } else if starts(at, "::") {
            at += 2;
            tokens.push((line, "::".to_owned()));
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            if !byte.is_ascii_whitespace() {
                tokens.push((line, text[from..at].to_owned()));
            }
        }
        at = at.min(text.len());
        line += text[from..at].matches('\n').count();
    }
    tokens
}

/// The paths among tokens, written out from their crate, with what was imported under a shorter name.
fn paths(tokens: &[(usize, String)], module: &[String]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut imported = HashMap::new();
    let mut at = 0;
    while at < tokens.len() {
        let (line, token) = &tokens[at];
        if token == "use" {
            at = use_tree(tokens, at + 1, &[], &mut |segments, name| {
                let path = written_out(segments, module);
                imported.insert(name.to_owned(), path.clone());
                found.push((*line, path));
            });
        } else if is_word(token) && tokens.get(at + 1).is_some_and(|(_, next)| next == "::") {
            let mut segments = vec![token.clone()];
            while tokens.get(at + 1).is_some_and(|(_, next)| next == "::")
                && let Some((_, word)) = tokens.get(at + 2)
                && is_word(word)
            {
                segments.push(word.clone());
                at += 2;
            }
            let path = written_out(&segments, module);
            found.push((
                *line,
                match (imported.get(&segments[0]), path.split_once("::")) {
                    (Some(import), Some((_, rest))) => format!("{import}::{rest}"),
                    _ => path,
                },
            ));
            at += 1;
        } else {
            at += 1;
        }
    }
    found
}

/// Reads one tree of a `use` declaration, gives each path in it with the name it gets, and returns where it ends.
fn use_tree(
    tokens: &[(usize, String)],
    mut at: usize,
    prefix: &[String],
    give: &mut dyn FnMut(&[String], &str),
) -> usize {
    let mut segments = prefix.to_vec();
    let mut name = None;
    while let Some((_, token)) = tokens.get(at) {
        match token.as_str() {
            "::" => at += 1,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|(_, token)| token != "}") {
                    at = use_tree(tokens, at, &segments, give);
                    at += usize::from(tokens.get(at).is_some_and(|(_, token)| token == ","));
                }
                return at + 1;
            }
            "as" => {
                name = tokens.get(at + 1).map(|(_, name)| name.clone());
                at += 2;
            }
            "," | "}" | ";" => break,
            word => {
                segments.push(word.to_owned());
                at += 1;
            }
        }
    }
    let last = segments.iter().rev().find(|segment| *segment != "self").cloned().unwrap_or_default();
    give(&segments, &name.unwrap_or(last));
    at
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

/// A path from its crate on: `super::cache` in `crate::ops::sessions::check` is `crate::ops::sessions::cache`.
fn written_out(segments: &[String], module: &[String]) -> String {
    let up = segments.iter().take_while(|segment| *segment == "super").count();
    let is_relative = up > 0 || segments.first().is_some_and(|first| first == "self");
    let rest = &segments[up.max(usize::from(is_relative))..];
    let rest = rest.iter().filter(|segment| *segment != "self").map(String::as_str);
    if is_relative {
        let base = module[..module.len().saturating_sub(up)].iter().map(String::as_str);
        ["crate"].into_iter().chain(base).chain(rest).collect::<Vec<_>>().join("::")
    } else {
        rest.collect::<Vec<_>>().join("::")
    }
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("crates/server lies two levels deep").to_owned()
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Adds the files below a folder with one of these endings; what is built or installed is left out.
fn collect(folder: &Path, endings: &[&str], files: &mut Vec<PathBuf>) {
    const SKIPPED: &[&str] = &["target", "node_modules", "out", "__pycache__"];
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let is_hidden = name.starts_with('.');
        if path.is_dir() {
            if !is_hidden && !SKIPPED.contains(&name.as_str()) {
                collect(&path, endings, files);
            }
        } else if path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)) {
            files.push(path);
        }
    }
}

#[test]
fn paths_are_found_and_written_out() {
    let code = r#"
        use crate::http::{self, access::{Actor, Access as A}, *};
        use super::cache;
        use tokio as t;
        fn f<'a>(c: char) { if c == '"' { axum::body::to::<u8>("rusqlite::x"); } } // rand::random
        fn g() { t::spawn(cache::find()) }
    "#;
    let module = module_of("crates/server/src/ops/sessions/check.rs");
    let found: Vec<String> = paths(&tokens(code), &module).into_iter().map(|(_, path)| path).collect();
    assert_eq!(
        found,
        [
            "crate::http",
            "crate::http::access::Actor",
            "crate::http::access::Access",
            "crate::http::*",
            "crate::ops::sessions::cache",
            "tokio",
            "axum::body::to",
            "tokio::spawn",
            "crate::ops::sessions::cache::find",
        ]
    );
    assert!(is_below("crate::http::access", "crate::http") && !is_below("crate::https", "crate::http"));
}
