//! Starting on a database that is there already, and what an idle server holds.

use crate::Failure;
use crate::data::DataSet;
use crate::process::{self, Server};
use crate::report::note;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const STARTS: usize = 15;
/// After this time a server that nobody calls has done all that it does at start.
const SETTLES_AFTER: Duration = Duration::from_secs(3);

/// What was measured.
pub struct Startup {
    /// CPU time until `/healthz` answers, milliseconds, of each start.
    pub cpu_millis: Vec<f64>,
    /// Wall time until then, milliseconds.
    pub wall_millis: Vec<f64>,
    /// Resident memory of the idle server, kibibytes.
    pub resident_kibibytes: u64,
    /// The part of it that is no file: heap and stacks.
    pub anonymous_kibibytes: u64,
}

/// Starts and stops the server several times, then lets it rest.
pub fn run(program: &Path, set: &DataSet) -> Result<Startup, Failure> {
    note("starting");
    let (mut cpu_millis, mut wall_millis) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let begun = Instant::now();
        let server = start(program, set)?;
        wall_millis.push(begun.elapsed().as_secs_f64() * 1e3);
        cpu_millis.push(server.cpu_of_threads()?.as_secs_f64() * 1e3);
        server.stop()?;
    }
    let server = start(program, set)?;
    thread::sleep(SETTLES_AFTER);
    let (resident_kibibytes, anonymous_kibibytes) =
        (server.kibibytes("VmRSS")?, server.kibibytes("RssAnon")?);
    server.stop()?;
    Ok(Startup { cpu_millis, wall_millis, resident_kibibytes, anonymous_kibibytes })
}

fn start(program: &Path, set: &DataSet) -> Result<Server, Failure> {
    let address = process::free_address()?;
    let environment = set.database.environment(&address.to_string(), 10);
    let log = set.database.directory.join("start.log");
    Server::start(program, &["serve".to_owned()], &environment, address, &log)
}
