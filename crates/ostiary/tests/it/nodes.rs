//! Several nodes on one PostgreSQL behave as one server, also while nodes or the database come and go.

use crate::postgres::Postgres;
use crate::relay::Relay;
use crate::support::{Answer, Connection, Installation, NoAnswer, Node, schema, send, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const CHECK: &str = "/v1/b2b/sessions/authenticate";

fn with_relay(relay: &Relay) -> Vec<(&'static str, String)> {
    vec![("OSTIARY_SMTP_URL", relay.url.clone()), ("OSTIARY_MAIL_FROM", "no-reply@example.com".to_owned())]
}

/// Everything that one node says or does holds on the other.
#[test]
fn two_nodes_are_one_server() {
    let Some(schema) = schema() else { return };
    let relay = Relay::start(Duration::from_millis(5));
    let installation = Installation::new("nodes", Some(&schema.url()), &with_relay(&relay));
    let (first, second) = (installation.start(), installation.start());
    first.create_organization("acme");
    let organization =
        second.get("/v1/b2b/organizations/acme").body["organization"]["organization_id"].clone();
    let ada = json!({"email_address": "ada@acme.example"});
    assert_eq!(first.post("/v1/b2b/organizations/acme/members", &ada).status, 200);

    // A code works once, however many try it at the same moment on whichever node.
    let login = json!({"organization_id": organization, "email_address": "ada@acme.example"});
    assert_eq!(first.post("/v1/b2b/otps/email/login_or_signup", &login).status, 200);
    let code = wait_for("the code", || relay.code_for("ada@acme.example"));
    let attempt = json!({"organization_id": organization, "email_address": "ada@acme.example", "code": code});
    let answers: Vec<Answer> = thread::scope(|scope| {
        let attempts: Vec<_> = (0..8)
            .map(|index| {
                let (node, attempt) = (if index % 2 == 0 { &first } else { &second }, &attempt);
                scope.spawn(move || node.post("/v1/b2b/otps/email/authenticate", attempt))
            })
            .collect();
        attempts.into_iter().map(|attempt| attempt.join().expect("an attempt")).collect()
    });
    let sessions: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(sessions.len(), 1, "{answers:?}");
    let session = json!({"session_token": sessions[0].body["session_token"]});
    let jwt = json!({"session_jwt": sessions[0].body["session_jwt"]});

    // Its session holds everywhere, and where one node revokes it, the next call to the other is refused.
    for node in [&first, &second] {
        assert_eq!(node.post(CHECK, &session).status, 200);
        assert_eq!(node.post(CHECK, &jwt).status, 200);
    }
    assert_eq!(first.post("/v1/b2b/sessions/revoke", &session).status, 200);
    assert_eq!(second.post(CHECK, &session).body["error_type"], "session_not_found");
    assert_eq!(second.post(CHECK, &jwt).body["error_type"], "session_not_found");

    secrets_hold_within_two_seconds(&installation, &first, &second);
    keys_rotate_together(&installation, &first, &second);
    mails_go_out_once(&relay, &first, &second);
}

/// What an operator changes on one node, here which secrets there are, holds on the other within two seconds.
fn secrets_hold_within_two_seconds(installation: &Installation, first: &Node, second: &Node) {
    let key = installation.operate_json(&["management-key", "create", "--name", "test"]);
    let text = |name: &str| key[name].as_str().expect("a text").to_owned();
    let key = format!("{}:{}", text("management_key_id"), text("management_key_secret"));
    let manage = |method: &str, path: &str| {
        let answer = send(first.port, method, path, Some(&key), Some(&json!({}))).expect("an answer");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    };
    let projects = manage("GET", "/pwa/v3/projects");
    let slug = projects["projects"][0]["project_slug"].as_str().expect("a slug");
    let secrets = format!("/pwa/v3/projects/{slug}/environments/test/secrets");
    let created = manage("POST", &secrets);
    let (id, secret) = (&created["secret"]["secret_id"], &created["secret"]["secret"]);
    let user = format!("{}:{}", installation.project_id, secret.as_str().expect("a secret"));
    let status = |node: &Node| {
        send(node.port, "GET", "/v1/debug/whoami", Some(&user), None).expect("an answer").status
    };
    let holds_on_second = |wanted: u16| {
        let since = Instant::now();
        assert_eq!(status(first), wanted, "at once where it was changed");
        wait_for("the change on the other node", || (status(second) == wanted).then_some(()));
        assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    };
    holds_on_second(200);
    manage("DELETE", &format!("{secrets}/{}", id.as_str().expect("an id")));
    holds_on_second(401);
}

/// Both nodes publish the same keys, the new one too, and check what the other has signed.
fn keys_rotate_together(installation: &Installation, first: &Node, second: &Node) {
    let path = format!("/v1/b2b/sessions/jwks/{}", installation.project_id);
    let keys = |node: &Node| node.get(&path).body["keys"].clone();
    let count = keys(first).as_array().map_or(0, Vec::len);
    // Two operators at the same time rotate once.
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert!(installation.operate(&["keys", "rotate"]).status.success()));
        }
    });
    let since = Instant::now();
    wait_for("the same keys on both nodes", || {
        let (left, right) = (keys(first), keys(second));
        (left == right && left.as_array().map_or(0, Vec::len) == count + 1).then_some(())
    });
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
}

/// Both nodes look for mails all the time, and each mail is sent by one of them.
fn mails_go_out_once(relay: &Relay, first: &Node, second: &Node) {
    let before = relay.mails().len();
    for index in 0..40 {
        let node = if index % 2 == 0 { first } else { second };
        let to = json!({"email_address": format!("user{index}@acme.example")});
        assert_eq!(node.post("/v1/b2b/otps/email/discovery/send", &to).status, 200);
    }
    wait_for("all mails", || (relay.mails().len() - before >= 40).then_some(()));
    assert_each_once(relay);
    assert_eq!(relay.mails().len() - before, 40);
}

fn assert_each_once(relay: &Relay) {
    let mails = relay.mails();
    let ids: BTreeSet<&str> = mails.iter().map(|mail| &*mail.id).collect();
    assert_eq!(ids.len(), mails.len(), "a mail was sent twice");
}

/// Clients that create members until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    /// Numbers the members.
    next: Arc<AtomicU64>,
    writers: Vec<JoinHandle<Written>>,
}

/// What a client saw.
#[derive(Default)]
struct Written {
    acknowledged: Vec<String>,
    /// What was not answered, or with an error: whether it happened is unknown.
    unknown: Vec<String>,
    /// Answers that are no success, and since when the client waited for them.
    refused: Vec<(Instant, Answer)>,
    /// How often there was no answer.
    lost: usize,
}

impl Load {
    fn start(nodes: &[&Node], user: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let next = Arc::new(AtomicU64::new(0));
        let writers = nodes
            .iter()
            .map(|node| {
                let (stop, next, port, user) = (stop.clone(), next.clone(), node.port, user.to_owned());
                thread::spawn(move || write_until_told(port, &user, &stop, &next))
            })
            .collect();
        Load { stop, next, writers }
    }

    fn written(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Lets some more requests happen.
    fn go_on(&self) {
        let enough = self.written() + 40;
        wait_for("requests", || (self.written() >= enough).then_some(()));
    }

    fn end(self) -> Vec<Written> {
        self.stop.store(true, Ordering::Relaxed);
        self.writers.into_iter().map(|writer| writer.join().expect("a writer")).collect()
    }
}

fn write_until_told(port: u16, user: &str, stop: &AtomicBool, next: &AtomicU64) -> Written {
    let mut written = Written::default();
    while !stop.load(Ordering::Relaxed) {
        let address = format!("member{}@acme.example", next.fetch_add(1, Ordering::Relaxed));
        let since = Instant::now();
        match send(port, "POST", MEMBERS, Some(user), Some(&json!({"email_address": address}))) {
            Ok(answer) if answer.status == 200 => written.acknowledged.push(address),
            Ok(answer) => {
                written.unknown.push(address);
                written.refused.push((since, answer));
                thread::sleep(Duration::from_millis(20));
            }
            Err(_) => {
                written.unknown.push(address);
                written.lost += 1;
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
    written
}

const MEMBERS: &str = "/v1/b2b/organizations/acme/members";

/// What was acknowledged is there, and what is unknown either happened in full or can be done now.
fn assert_nothing_lost_or_half_made(node: &Node, written: &[Written]) {
    let found = |address: &str| {
        let (name, domain) = address.split_once('@').expect("an address");
        node.get(&format!("/v1/b2b/organizations/acme/member?email_address={name}%40{domain}"))
    };
    for address in written.iter().flat_map(|written| &written.acknowledged) {
        assert_eq!(found(address).status, 200, "{address} was acknowledged and is gone");
    }
    for address in written.iter().flat_map(|written| &written.unknown) {
        let again = node.post(MEMBERS, &json!({"email_address": address}));
        let is_there = again.status == 200 || again.body["error_type"] == "duplicate_member_email";
        assert!(is_there, "{address}: {}", again.body);
        let member = found(address).body["member"].clone();
        assert_eq!(member["email_address"], Value::from(&**address));
        let id = member["member_id"].as_str().expect("an id");
        assert_eq!(node.get(&format!("/v1/b2b/organizations/acme/member?member_id={id}")).status, 200);
    }
}

/// The death of a node is noticed by nobody who asks the other.
#[test]
fn a_node_is_killed_under_load() {
    let Some(schema) = schema() else { return };
    let installation = Installation::new("killed", Some(&schema.url()), &[]);
    let (mut dying, surviving) = (installation.start(), installation.start());
    dying.create_organization("acme");
    let load = Load::start(&[&dying, &dying, &surviving, &surviving], &installation.user);
    for _ in 0..2 {
        load.go_on();
        dying.process.signal("-KILL");
        dying.process.0.wait().expect("an end");
        load.go_on();
        dying = installation.start_at(dying.port);
    }
    let written = load.end();
    for calm in &written[2..] {
        assert_eq!((calm.lost, calm.refused.len()), (0, 0), "{:?}", calm.refused);
    }
    assert!(written.iter().all(|written| !written.acknowledged.is_empty()));
    assert!(written[..2].iter().any(|written| written.lost > 0), "the test kills too gently");
    assert_nothing_lost_or_half_made(&surviving, &written);
    assert_nothing_lost_or_half_made(&dying, &written);
}

/// While the database is away requests are told so at once and when to come back; afterwards everything goes on by
/// itself, and mails that were being sent are not sent twice.
#[test]
fn postgres_is_restarted_under_load() {
    let Some(postgres) = Postgres::start("restarted") else {
        assert!(
            std::env::var_os("OSTIARY_TEST_POSTGRES_URL").is_none(),
            "PostgreSQL's programs are not found"
        );
        return;
    };
    let relay = Relay::start(Duration::from_millis(50));
    let installation = Installation::new("database", Some(&postgres.url()), &with_relay(&relay));
    let (first, second) = (installation.start(), installation.start());
    first.create_organization("acme");
    let load = Load::start(&[&first, &first, &second, &second], &installation.user);
    let mut outages = Vec::new();
    let mut addresses = 0;
    for mode in ["fast", "immediate"] {
        load.go_on();
        for _ in 0..20 {
            let to = json!({"email_address": format!("user{addresses}@acme.example")});
            assert_eq!(second.post("/v1/b2b/otps/email/discovery/send", &to).status, 200);
            addresses += 1;
        }
        let stopped_at = Instant::now();
        postgres.stop(mode);
        wait_for("an answer that says so", || (first.get("/readyz").status == 503).then_some(()));
        assert_eq!(first.get("/healthz").status, 200);
        let asked = Instant::now();
        let answer = first.post(CHECK, &json!({"session_token": "unknown"}));
        assert!(answer.status == 503 && answer.head.contains("retry-after: 1\r\n"), "{answer:?}");
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
        postgres.resume();
        let back_at = Instant::now();
        for node in [&first, &second] {
            wait_for("readiness", || (node.get("/readyz").status == 200).then_some(()));
        }
        assert!(back_at.elapsed() < Duration::from_secs(2), "{:?}", back_at.elapsed());
        outages.push((stopped_at, back_at));
    }
    load.go_on();
    let written = load.end();
    for written in &written {
        assert_eq!(written.lost, 0, "a node answers also without its database");
        for (since, answer) in &written.refused {
            assert!(answer.status == 503 && answer.head.contains("retry-after: "), "{answer:?}");
            let is_excused = outages.iter().any(|(stopped_at, back_at)| {
                since < back_at && {
                    // What began before the outage may have met it.
                    *since + Duration::from_secs(5) > *stopped_at
                }
            });
            assert!(is_excused, "failed while the database was there: {answer:?}");
        }
    }
    assert!(written.iter().any(|written| !written.refused.is_empty()), "the test stops too gently");
    assert_nothing_lost_or_half_made(&first, &written);
    wait_for("all mails", || (relay.mails().len() >= addresses).then_some(()));
    assert_each_once(&relay);
}

/// Nodes are restarted one after the other behind a load balancer that asks for their readiness, as all do, and sends
/// nothing twice, as it must not.
#[test]
fn a_rolling_restart_fails_no_request() {
    let Some(schema) = schema() else { return };
    let installation = Installation::new("rolling", Some(&schema.url()), &[]);
    let mut nodes = [installation.start(), installation.start()];
    nodes[0].create_organization("acme");
    let ports = [nodes[0].port, nodes[1].port];
    let balancer = Arc::new(Balancer {
        ports,
        ready: [AtomicBool::new(true), AtomicBool::new(true)],
        stop: AtomicBool::new(false),
    });
    let watcher = thread::spawn({
        let balancer = balancer.clone();
        move || balancer.watch()
    });
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (balancer, user) = (balancer.clone(), installation.user.clone());
            thread::spawn(move || balancer.ask_until_told(&user))
        })
        .collect();
    for index in [0, 1, 0] {
        wait_for("both nodes", || {
            balancer.ready.iter().all(|ready| ready.load(Ordering::Relaxed)).then_some(())
        });
        let [first, second] = nodes;
        let (going, staying) = if index == 0 { (first, second) } else { (second, first) };
        let port = going.port;
        going.stop();
        let come = installation.start_at(port);
        nodes = if index == 0 { [come, staying] } else { [staying, come] };
    }
    balancer.stop.store(true, Ordering::Relaxed);
    let answered: usize = clients.into_iter().map(|client| client.join().expect("no request fails")).sum();
    watcher.join().expect("a watcher");
    assert!(answered > 200, "{answered} requests are no load");
}

struct Balancer {
    ports: [u16; 2],
    ready: [AtomicBool; 2],
    stop: AtomicBool,
}

impl Balancer {
    fn watch(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            for (port, ready) in self.ports.iter().zip(&self.ready) {
                let answer = send(*port, "GET", "/readyz", None, None);
                ready.store(answer.is_ok_and(|answer| answer.status == 200), Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// One client, which keeps its connection as long as the server lets it. Only a connection that is not made is
    /// tried again, on the other node.
    fn ask_until_told(&self, user: &str) -> usize {
        let mut answered = 0;
        let mut connection: Option<Connection> = None;
        while !self.stop.load(Ordering::Relaxed) {
            let open = match connection.take() {
                Some(open) => Ok(open),
                None => self.connect(answered),
            };
            let path = "/v1/b2b/organizations/acme";
            let answer = open.and_then(|mut open| {
                let answer = open.send("GET", path, Some(user), "", None)?;
                connection = (!answer.head.contains("connection: close")).then_some(open);
                Ok(answer)
            });
            let answer = answer.unwrap_or_else(|error| panic!("request {answered}: {error:?}"));
            assert_eq!(answer.status, 200, "{}", answer.body);
            answered += 1;
            // Some connections are new each time.
            if answered.is_multiple_of(10) {
                connection = None;
            }
        }
        answered
    }

    fn connect(&self, number: usize) -> Result<Connection, NoAnswer> {
        let order = if number.is_multiple_of(2) { [0, 1] } else { [1, 0] };
        let ready = order.into_iter().filter(|index| self.ready[*index].load(Ordering::Relaxed));
        ready
            .map(|index| Connection::open(self.ports[index]))
            .find(Result::is_ok)
            .unwrap_or(Err(NoAnswer::NotConnected))
    }
}
