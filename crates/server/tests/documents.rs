//! The documents name what exists: files, tests, each other.

use ostiary_core::rate_limit::LimitGroup;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("crates/server lies two levels deep").to_owned()
}

/// The files below a folder with this ending; what is built or installed is left out.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the repository can be read").flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let is_skipped = name.starts_with('.') || ["target", "node_modules", "out"].contains(&name.as_str());
        if path.is_dir() && !is_skipped {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|known| known == ending) {
            found.push(path);
        }
    }
}

/// Every document with its text.
fn documents() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(&root(), "md", &mut found);
    assert!(found.len() > 10, "the documents are where they are looked for");
    found.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between two signs, each time, line by line; code blocks left out.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    let blocks = text.split("\n```").step_by(2);
    blocks.flat_map(|block| block.lines()).flat_map(move |line| {
        let mut rest = line;
        std::iter::from_fn(move || {
            let from = rest.find(open)? + open.len();
            let length = rest[from..].find(close)?;
            let found = &rest[from..from + length];
            rest = &rest[from + length + close.len()..];
            Some(found)
        })
    })
}

#[test]
fn links_lead_somewhere() {
    for (document, text) in documents() {
        for target in between(&text, "](", ")") {
            let file = target.split('#').next().unwrap_or_default();
            if target.contains("://") || file.is_empty() {
                continue;
            }
            let place = document.parent().unwrap_or(Path::new("")).join(file);
            assert!(place.exists(), "{}: {target} does not exist", document.display());
        }
    }
}

#[test]
fn sources_that_are_named_exist() {
    let mut sources = Vec::new();
    files(&root().join("crates"), "rs", &mut sources);
    for (document, text) in documents() {
        for name in between(&text, "`", "`").filter(|name| name.ends_with(".rs")) {
            let is_there = sources.iter().any(|source| source.ends_with(name));
            assert!(is_there, "{}: there is no source {name}", document.display());
        }
        for name in
            between(&text, "`", "`").filter(|name| name.starts_with("crates/") || name.starts_with("docs/"))
        {
            let name = name.split([' ', '*']).next().unwrap_or_default();
            assert!(root().join(name).exists(), "{}: there is no {name}", document.display());
        }
    }
}

#[test]
fn tests_that_security_relies_on_exist() {
    let mut sources = Vec::new();
    files(&root().join("crates"), "rs", &mut sources);
    let names: HashSet<String> = sources
        .iter()
        .flat_map(|source| {
            let text = read(source);
            let names = text.split("fn ").skip(1).map(|rest| {
                rest.chars()
                    .take_while(|sign| sign.is_ascii_alphanumeric() || *sign == '_')
                    .collect::<String>()
            });
            names.collect::<Vec<_>>()
        })
        .collect();
    let text = read(&root().join("docs/security.md"));
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| R-")).collect();
    assert!(rows.len() > 20, "the table of refusals is there");
    for row in rows {
        assert!(between(row, "`", "`").count() > 0, "no test: {row}");
        for name in between(row, "`", "`") {
            assert!(names.contains(name), "docs/security.md: there is no test {name}");
        }
    }
}

#[test]
fn adding_an_endpoint_takes_ten_steps_at_most() {
    let text = read(&root().join("docs/adding-an-endpoint.md"));
    let steps = text.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit())).count();
    assert!((1..=10).contains(&steps), "{steps} steps: if the list grows, the design is wrong");
}

/// `docs/limits.md` has every default limit and no other.
#[test]
fn the_table_of_limits_is_that_of_the_server() {
    let expected: Vec<String> = LimitGroup::ALL
        .iter()
        .flat_map(|group| group.fields().iter().map(move |field| (group, field)))
        .map(|(group, field)| {
            let windows = group.default_windows(*field).iter();
            let texts: Vec<_> = windows
                .map(|window| format!("{} in {} s", window.requests_max, window.window_seconds))
                .collect();
            format!("| `{group}` | `{field}` | {} | `{}` |", texts.join(", "), group.refusal().name())
        })
        .collect();
    let text = read(&root().join("docs/limits.md"));
    let rows: Vec<_> =
        text.lines().filter(|line| line.matches('|').count() == 5 && line.contains(" s | `")).collect();
    assert_eq!(rows, expected);
}
