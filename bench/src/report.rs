//! The table, and whether the targets were reached.

use crate::Failure;
use crate::compare::{Case, Sessions};
use crate::creation::{Creation, Rate};
use crate::startup::Startup;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::thread;

/// Tells the person who waits what is going on.
pub fn note(text: &str) {
    // Where nobody listens there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

/// What was measured; parts that were not run are absent.
#[derive(Default)]
pub struct Report {
    /// Session checks.
    pub sessions: Option<Sessions>,
    /// Creating sessions, by database.
    pub creation: Vec<Creation>,
    /// Starting.
    pub startup: Option<Startup>,
}

/// A target: a measured value and the bound that it must keep.
struct Target {
    what: String,
    value: f64,
    bound: Bound,
    unit: &'static str,
}

enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Report {
    /// Prints the report, and writes it into a file.
    pub fn publish(&self, file: Option<&Path>) -> Result<(), Failure> {
        let text = self.render();
        io::stdout().write_all(text.as_bytes())?;
        match file {
            Some(file) => crate::write(file, text.as_bytes()),
            None => Ok(()),
        }
    }

    fn render(&self) -> String {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut page = format!(
            "# Results\n\nMade by `bench/run.sh` on a machine with {cores} virtual cores; what the cases are and how \
             they are measured says `README.md`.\n"
        );
        if let Some(sessions) = &self.sessions {
            sessions_table(&mut page, sessions);
        }
        if !self.creation.is_empty() {
            creation_table(&mut page, &self.creation);
        }
        if let Some(startup) = &self.startup {
            startup_table(&mut page, startup);
        }
        self.targets_table(&mut page);
        page
    }

    fn targets_table(&self, page: &mut String) {
        page.push_str("\n## Targets\n\n| target | bound | measured | reached |\n|---|---|---|---|\n");
        for target in self.targets() {
            let Target { what, value, unit, bound } = target;
            let (sign, bound, is_reached) = match bound {
                Bound::AtLeast(bound) => ("≥", bound, value >= bound),
                Bound::AtMost(bound) => ("≤", bound, value <= bound),
            };
            let reached = if is_reached { "yes" } else { "**no**" };
            let digits = if unit == "x" { 2 } else { 0 };
            line(page, &format!("| {what} | {sign} {bound}{unit} | {value:.digits$}{unit} | {reached} |"));
        }
    }

    fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        if let Some(sessions) = &self.sessions {
            session_targets(&mut targets, sessions);
        }
        for creation in &self.creation {
            for (how, rates) in [("operation", &creation.operation), ("HTTP", &creation.http)] {
                targets.push(Target {
                    what: format!("sessions created, {}, {how}", creation.engine),
                    value: median(rates.iter().map(|rate| rate.per_second)),
                    bound: Bound::AtLeast(1000.0),
                    unit: "/s",
                });
            }
        }
        if let Some(startup) = &self.startup {
            targets.push(Target {
                what: "start to `/healthz`, CPU".to_owned(),
                value: median(startup.cpu_millis.iter().copied()),
                bound: Bound::AtMost(50.0),
                unit: " ms",
            });
            targets.push(Target {
                what: "idle resident memory".to_owned(),
                value: startup.resident_kibibytes as f64 / 1024.0,
                bound: Bound::AtMost(30.0),
                unit: " MiB",
            });
        }
        targets
    }
}

fn session_targets(targets: &mut Vec<Target>, sessions: &Sessions) {
    let mut share = |what: &str, of: &str, case: &str, percent: f64| {
        if let (Some(of), Some(case)) = (sessions.find(of), sessions.find(case)) {
            targets.push(Target {
                what: what.to_owned(),
                value: 100.0 * median_ratio(&of.cpu_micros, &case.cpu_micros),
                bound: Bound::AtLeast(percent),
                unit: " %",
            });
        }
    };
    share("token, reuse, SQLite: share of (b)", "sqlite row", "sqlite token", 80.0);
    share("token, reuse, SQLite: share of (a)", "constant", "sqlite token", 40.0);
    let mut most = |what: &str, case: &str, of: &str, bound: f64| {
        if let (Some(case), Some(of)) = (sessions.find(case), sessions.find(of)) {
            targets.push(Target {
                what: what.to_owned(),
                value: median_ratio(&case.cpu_micros, &of.cpu_micros),
                bound: Bound::AtMost(bound),
                unit: "x",
            });
        }
    };
    most("token, reuse: PostgreSQL to SQLite", "postgres token", "sqlite token", 1.8);
    most("reuse, SQLite: JWT to token", "sqlite jwt", "sqlite token", 1.5);
    most("reuse, PostgreSQL: JWT to token", "postgres jwt", "postgres token", 1.5);
    for (engine, case) in [("SQLite", "sqlite signing"), ("PostgreSQL", "postgres signing")] {
        if let Some(case) = sessions.find(case) {
            targets.push(Target {
                what: format!("no reuse, {engine}: share of the RS256 limit"),
                value: 100.0 * median_ratio(&sessions.signature_micros, &case.cpu_micros),
                bound: Bound::AtLeast(85.0),
                unit: " %",
            });
        }
    }
}

fn sessions_table(page: &mut String, sessions: &Sessions) {
    line(
        page,
        &format!(
            "\n## Session checks\n\nAnswers of {} bytes. CPU is of the server process per request: median (lowest to \
             highest round).\n\n| case | database | requests a round | requests per signature | CPU per request | per \
             second and core | CPU as a multiple of (a) | p50 | p99 |\n|---|---|---|---|---|---|---|---|---|",
            sessions.answer_bytes
        ),
    );
    let constant = sessions.find("constant");
    for case in &sessions.cases {
        let engine = if case.key == "constant" { "–" } else { case.engine };
        let multiple = constant.map_or(1.0, |constant| median_ratio(&case.cpu_micros, &constant.cpu_micros));
        let per_signature = match case.requests_per_signature.is_empty() {
            true => "–".to_owned(),
            false => format!("{:.0}", median(case.requests_per_signature.iter().copied())),
        };
        line(
            page,
            &format!(
                "| {} | {engine} | {} | {per_signature} | {} | {:.0} | {multiple:.2} | {:.2} ms | {:.2} ms |",
                case.title,
                case.requests,
                micros(&case.cpu_micros),
                1e6 / median(case.cpu_micros.iter().copied()),
                millis(case, |load| load.p50),
                millis(case, |load| load.p99),
            ),
        );
    }
    line(
        page,
        &format!(
            "| RS256 signature, in process | – | – | 1 | {} | | | | |",
            micros(&sessions.signature_micros)
        ),
    );
}

fn millis(case: &Case, of: fn(&crate::client::Load) -> std::time::Duration) -> f64 {
    median(case.loads.iter().map(|load| of(load).as_secs_f64() * 1e3))
}

fn creation_table(page: &mut String, creation: &[Creation]) {
    page.push_str(
        "\n## Creating sessions\n\nMagic links used up by 64 callers at a time, every write durable: median (lowest to \
         highest round).\n\n| database | how | sessions per second | CPU per session |\n|---|---|---|---|\n",
    );
    for creation in creation {
        for (how, rates) in [("operation, in process", &creation.operation), ("over HTTP", &creation.http)] {
            let of = |get: fn(&Rate) -> f64| rates.iter().map(get).collect::<Vec<_>>();
            line(
                page,
                &format!(
                    "| {} | {how} | {} | {} |",
                    creation.engine,
                    spread(&of(|rate| rate.per_second), 0, "/s"),
                    micros(&of(|rate| rate.cpu_micros)),
                ),
            );
        }
    }
}

fn startup_table(page: &mut String, startup: &Startup) {
    line(
        page,
        &format!(
            "\n## Starting and resting\n\nOn the SQLite database, which was closed in order.\n\n| | |\n|---|---|\n\
             | start to `/healthz`, CPU | {} |\n| start to `/healthz`, wall | {} |\n\
             | idle, resident | {:.1} MiB |\n| of which heap and stacks | {:.1} MiB |",
            spread(&startup.cpu_millis, 1, " ms"),
            spread(&startup.wall_millis, 1, " ms"),
            startup.resident_kibibytes as f64 / 1024.0,
            startup.anonymous_kibibytes as f64 / 1024.0,
        ),
    );
}

fn micros(values: &[f64]) -> String {
    spread(values, 1, " µs")
}

/// Median and extremes.
fn spread(values: &[f64], digits: usize, unit: &str) -> String {
    let (low, high) =
        values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    format!("{:.digits$}{unit} ({low:.digits$} to {high:.digits$})", median(values.iter().copied()))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
    }
}

/// The median of the ratios within each round.
fn median_ratio(above: &[f64], below: &[f64]) -> f64 {
    median(above.iter().zip(below).map(|(above, below)| above / below))
}

fn line(page: &mut String, text: &str) {
    writeln!(page, "{text}").expect("writing to a String does not fail");
}
