//! A PostgreSQL server of a test's own, which it may stop and start.

use crate::support::{Directory, free_port};
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Postgres {
    programs: PathBuf,
    directory: Directory,
    port: u16,
}

impl Postgres {
    /// A new server that runs; none where PostgreSQL is not installed. What it has answered survives any way to stop it.
    pub fn start(name: &str) -> Option<Self> {
        let this =
            Postgres { programs: find_programs()?, directory: Directory::new(name), port: free_port() };
        if is_root() {
            // The server refuses to run as root.
            let owner = this.directory.path();
            assert!(Command::new("chown").args(["postgres", owner]).status().expect("chown").success());
        }
        let data = this.data();
        this.run("initdb", &["--pgdata", &data, "--username=ostiary", "--auth=trust", "--no-sync"]);
        this.resume();
        Some(this)
    }

    pub fn url(&self) -> String {
        format!("postgres://ostiary@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    /// Starts it again and waits until it takes connections.
    pub fn resume(&self) {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c port={} -c fsync=off",
            self.port
        );
        let log = format!("{}/log", self.directory.path());
        self.run(
            "pg_ctl",
            &["--pgdata", &self.data(), "--log", &log, "--wait", "--options", &options, "start"],
        );
    }

    /// Stops it: `fast` ends its connections with a word, `immediate` like a crash.
    pub fn stop(&self, mode: &str) {
        self.run("pg_ctl", &["--pgdata", &self.data(), "--mode", mode, "--wait", "stop"]);
    }

    fn data(&self) -> String {
        format!("{}/data", self.directory.path())
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(&program);
            command
        } else {
            Command::new(&program)
        };
        // No pipes: the server would keep them open.
        let log = std::fs::File::create(std::env::temp_dir().join("ostiary-process-postgres.log"));
        let log = log.expect("a file");
        let status = command
            .args(arguments)
            .current_dir(std::env::temp_dir())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .status()
            .expect("the program runs");
        assert!(status.success(), "{} {arguments:?}", program.display());
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if Path::new(&self.data()).join("postmaster.pid").exists() {
            self.stop("immediate");
        }
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout.trim_ascii() == b"0"
}

/// Where the programs of the server are: in PATH, or in Debian's directories.
fn find_programs() -> Option<PathBuf> {
    let in_path = std::env::var_os("PATH")
        .and_then(|path| std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file()));
    in_path.or_else(|| {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        versions
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .filter(|folder| folder.join("initdb").is_file())
            .max()
    })
}
