//! The command as a process: the start-up contract, restarts, kills, configuration mistakes.

use crate::support::{Dev, Directory, command, free_port, master_key, request, run, text};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn dev_is_ready_with_nothing_set_up_and_keeps_everything_over_a_restart() {
    let data = Directory::new("restart");
    let dev = Dev::start(&data.0, &[]);
    for name in [
        "api_url",
        "project_id",
        "secret",
        "public_token",
        "inbox_url",
        "management_key_id",
        "management_key_secret",
    ] {
        assert!(dev.credentials.get(name).is_some_and(|value| !value.is_empty()), "{name}");
    }
    let (status, created) = dev.post("/v1/b2b/organizations", &json!({"organization_name": "Acme"}));
    assert_eq!(status, 200, "{created}");
    let (_, clock) = dev.post("/dev/clock", &json!({"advance_seconds": 3600}));
    assert_eq!(clock["offset_seconds"], 3600);
    let before = dev.credentials.clone();
    dev.signal("-TERM");
    let mut dev = dev;
    assert!(dev.process.0.wait().expect("an end").success(), "SIGTERM ends it cleanly");
    drop(dev);

    let again = Dev::start(&data.0, &[]);
    for name in ["project_id", "secret", "public_token", "management_key_id", "management_key_secret"] {
        assert_eq!(again.credentials[name], before[name], "{name}");
    }
    let (status, found) = again.get("/v1/b2b/organizations/acme");
    assert_eq!((status, &found["organization"]["organization_name"]), (200, &json!("Acme")));
    assert_eq!(again.get("/dev/clock").1["offset_seconds"], 3600);
}

#[test]
fn the_banner_says_how_to_point_the_sdks() {
    let data = Directory::new("banner");
    let mut dev = Dev::start(&data.0, &[]);
    let mut banner = String::new();
    let stdout = dev.process.0.stdout.take().expect("a pipe");
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        banner.push_str(&line);
        banner.push('\n');
        if line.contains("For development only") {
            break;
        }
    }
    for part in [
        "env: '",
        "fraud_env: '",
        "fraud_environment='",
        "testAPIURL",
        &dev.credentials["secret"],
        &dev.credentials["inbox_url"],
    ] {
        assert!(banner.contains(part), "{part} in {banner}");
    }
}

/// W-19: what was acknowledged survives the death of the process in the middle of writes.
#[test]
fn acknowledged_writes_survive_sigkill() {
    let data = Directory::new("kill");
    for round in 0..3 {
        let dev = Dev::start(&data.0, &[]);
        let port = dev.port;
        let user = format!("{}:{}", dev.credentials["project_id"], dev.credentials["secret"]);
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let user = user.clone();
                std::thread::spawn(move || {
                    let mut acknowledged = Vec::new();
                    for number in 0.. {
                        let slug = format!("org-{round}-{writer}-{number}");
                        let body = json!({"organization_name": slug, "organization_slug": slug});
                        match request(port, "POST", "/v1/b2b/organizations", Some(&user), Some(&body)) {
                            Some((200, _)) => acknowledged.push(slug),
                            _ => return acknowledged,
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(400));
        dev.signal("-KILL");
        let acknowledged: Vec<String> =
            writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect();
        assert!(!acknowledged.is_empty());
        drop(dev);
        let again = Dev::start(&data.0, &[]);
        for slug in acknowledged {
            let (status, _) = again.get(&format!("/v1/b2b/organizations/{slug}"));
            assert_eq!(status, 200, "{slug} was acknowledged and is gone");
        }
    }
}

#[test]
fn dev_refuses_to_listen_beyond_this_machine_unless_told() {
    let data = Directory::new("remote");
    let output = run(&["dev", "--listen", "0.0.0.0:0", "--data", &data.0.display().to_string()], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("listen"), "{}", text(&output.stderr));
}

#[test]
fn every_mistake_in_the_configuration_is_named_at_once() {
    let output = run(
        &["serve", "--listen", "nowhere"],
        &[("OSTIARY_LISTNE", "127.0.0.1:1"), ("OSTIARY_BODY_BYTES_MAX", "many")],
    );
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    for part in ["--listen", "OSTIARY_LISTNE", "OSTIARY_BODY_BYTES_MAX", "master_key", "public_url"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn a_wrong_master_key_does_not_start() {
    let data = Directory::new("key");
    let path = data.0.display().to_string();
    let key = master_key;
    let create = |key: &str| {
        run(
            &[
                "project",
                "create",
                "--name",
                "Acme",
                "--redirect-url",
                "https://app.example.com/authenticate",
                "--data",
                &path,
                "--public-url",
                "https://auth.example.com",
                "--json",
            ],
            &[("OSTIARY_MASTER_KEY", key)],
        )
    };
    let created = create(&key(1));
    assert!(created.status.success(), "{}", text(&created.stderr));
    let project: Value = serde_json::from_str(&text(&created.stdout)).expect("JSON");
    assert!(project["project_id"].as_str().is_some_and(|id| id.starts_with("project-live-")));
    let refused = create(&key(2));
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("master key"), "{}", text(&refused.stderr));
}

#[test]
fn keys_of_operators_are_made_listed_and_deleted() {
    let data = Directory::new("management-key");
    let path = data.0.display().to_string();
    let base = ["--data", &path, "--public-url", "https://auth.example.com"];
    let operate = |arguments: &[&str]| {
        let arguments: Vec<&str> = ["management-key"].iter().chain(arguments).chain(&base).copied().collect();
        run(&arguments, &[("OSTIARY_MASTER_KEY", &master_key(5))])
    };
    let create = ["create", "--name", "terraform", "--scope", "manage:api_keys", "--json"];
    let created: Value = serde_json::from_str(&text(&operate(&create).stdout)).expect("JSON");
    let id = created["management_key_id"].as_str().expect("an id");
    let secret = created["management_key_secret"].as_str().expect("a secret");
    assert!(id.starts_with("workspace-key-prod-"), "{id}");
    let listed = text(&operate(&["list"]).stdout);
    assert!(
        listed.contains(id) && listed.contains("terraform") && listed.contains("manage:api_keys"),
        "{listed}"
    );
    assert!(!listed.contains(secret));
    assert!(text(&operate(&["create", "--name", "graphs", "--read-only"]).stdout).contains("Secret"));
    assert!(text(&operate(&["list"]).stdout).contains("read only"));
    assert_eq!(operate(&["create", "--name", "x", "--scope", "root"]).status.code(), Some(2));
    assert!(operate(&["delete", id]).status.success());
    assert_eq!(operate(&["delete", id]).status.code(), Some(1));
    assert!(!text(&operate(&["list"]).stdout).contains(id));
}

#[test]
fn live_environments_refuse_local_redirect_urls_and_serve_answers() {
    let data = Directory::new("serve");
    let path = data.0.display().to_string();
    let key = master_key(3);
    let base = ["--data", &path, "--public-url", "https://auth.example.com"];
    let operate = |arguments: &[&str]| {
        let arguments: Vec<&str> = arguments.iter().chain(&base).copied().collect();
        run(&arguments, &[("OSTIARY_MASTER_KEY", &key)])
    };
    let created = operate(&[
        "project",
        "create",
        "--name",
        "Acme",
        "--redirect-url",
        "https://app.example.com/in",
        "--json",
    ]);
    let project: Value = serde_json::from_str(&text(&created.stdout)).expect("JSON");
    let refused = operate(&["redirect-url", "add", "http://localhost:3000/authenticate"]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stdout));
    assert!(operate(&["settings", "set", "http_only_cookies=true"]).status.success());
    assert_eq!(operate(&["settings", "set", "no_such_setting=1"]).status.code(), Some(1));
    assert!(text(&operate(&["settings", "show"]).stdout).contains("http_only_cookies=true"));

    let port = free_port();
    let mut child = command()
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .args(base)
        .env("OSTIARY_MASTER_KEY", &key)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let deadline = Instant::now() + Duration::from_secs(20);
    while request(port, "GET", "/readyz", None, None).is_none_or(|(status, _)| status != 200) {
        assert!(Instant::now() < deadline, "not ready");
        std::thread::sleep(Duration::from_millis(10));
    }
    let user = format!("{}:{}", project["project_id"].as_str().unwrap(), project["secret"].as_str().unwrap());
    let (status, whoami) = request(port, "GET", "/v1/debug/whoami", Some(&user), None).expect("an answer");
    assert_eq!((status, &whoami["name"]), (200, &json!("Acme")));
    for path in ["/dev/inbox", "/dev/clock", "/dev/settings", "/dev/inbox/messages"] {
        assert_eq!(request(port, "GET", path, Some(&user), None).expect("an answer").0, 404, "{path}");
    }
    let sandbox = json!({"magic_links_token": "DOYoip3rvIMMW5lgItikFK-Ak1CfMsgjuiCyI7uuU94="});
    let (status, _) = request(port, "POST", "/v1/b2b/magic_links/authenticate", Some(&user), Some(&sandbox))
        .expect("an answer");
    assert_eq!(status, 404, "sandbox values are for test environments");
    let _ = child.kill();
    let _ = child.wait();
}

/// A policy is set while the server runs, which notices it, and explained from the outside.
#[test]
fn operators_set_a_policy_and_ask_why() {
    let directory = Directory::new("policy");
    let server = Dev::start(&directory.0, &[]);
    let data = directory.0.to_str().expect("a path in UTF-8");
    let policy = |arguments: &[&str]| {
        let (name, rest) = arguments.split_first().expect("a subcommand");
        let output = run(&[&["policy", name, "--dev", "--data", data], rest].concat(), &[]);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (status, shown, _) = policy(&["show"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!((status, &shown["roles"][1]["role_id"]), (Some(0), &json!("stytch_admin")));

    let file = directory.0.join("policy.json");
    let path = file.to_str().expect("a path in UTF-8");
    let write = |document: &Value| std::fs::write(&file, document.to_string()).expect("a file");
    let (status, _, error) = policy(&["set", path]);
    assert_eq!(status, Some(2), "{error}");
    let permissions = |action: &str| json!([{ "resource_id": "invoice", "actions": [action] }]);
    let document = |action: &str| {
        json!({
            "resources": [{ "resource_id": "invoice", "actions": ["read", "write"] }],
            "roles": [{ "role_id": "editor", "permissions": permissions(action) }],
        })
    };
    write(&document("shred"));
    let (status, _, error) = policy(&["set", path]);
    assert_eq!(status, Some(1));
    assert!(error.contains("At roles[0].permissions[0].actions[0]."), "{error}");
    let (status, _, error) = policy(&["diff", path]);
    assert_eq!(status, Some(1));
    assert!(error.contains("At roles[0].permissions[0].actions[0]."), "{error}");
    write(&document("write"));
    let difference = "+ role editor (new)\n    + write on invoice\n\
                      + resource invoice (new)\n    + read\n    + write\n";
    assert_eq!(policy(&["diff", path]).1, difference);
    assert_eq!(policy(&["set", path]).1, "Set: 1 roles, 1 resources, 0 scopes.\n");
    assert_eq!(policy(&["diff", path]).1, "Nothing would change.\n");

    let deadline = Instant::now() + Duration::from_secs(20);
    while server.get("/v1/b2b/rbac/policy").1["policy"]["roles"][2]["role_id"] != "editor" {
        assert!(Instant::now() < deadline, "the running server does not notice the policy");
        std::thread::sleep(Duration::from_millis(20));
    }
    let name = json!({ "organization_name": "Acme", "organization_slug": "acme" });
    let (_, acme) = server.post("/v1/b2b/organizations", &name);
    let id = acme["organization"]["organization_id"].as_str().expect("an id");
    let ada = json!({ "email_address": "ada@acme.example", "external_id": "ada", "roles": ["editor"] });
    server.post(&format!("/v1/b2b/organizations/{id}/members"), &ada);
    let explain =
        |action: &str| policy(&["explain", "--organization", "acme", "--member", "ada", "invoice", action]).1;
    let told = explain("write");
    assert!(told.contains(" may write on invoice in Acme.\nA role of the member grants it.\n"), "{told}");
    assert!(told.contains("+ editor         assigned; grants write on invoice\n"), "{told}");
    let told = explain("read");
    assert!(told.contains(" may not read on invoice in Acme.\nNo role of the project or"), "{told}");
    let told = explain("shred");
    assert!(told.contains("Is it misspelled?"), "{told}");

    // Taking the role away says so, before and after.
    write(&json!({ "resources": document("write")["resources"] }));
    let (_, said, _) = policy(&["diff", path, "--json"]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&said[0]["change"], &said[0]["losses"]), (&json!("removed"), &json!(["write on invoice"])));
    let (_, said, _) = policy(&["set", path]);
    assert!(said.ends_with("Roles that are gone were taken back from 1 members.\n"), "{said}");
}

/// Clients come along from another system while the server runs, and call it with what they have.
#[test]
fn clients_of_machines_are_imported_and_get_tokens_at_once() {
    let directory = Directory::new("m2m");
    let server = Dev::start(&directory.0, &[]);
    let data = directory.0.to_str().expect("a path in UTF-8");
    let file = directory.0.join("clients.csv");
    let path = file.to_str().expect("a path in UTF-8");
    let import = |more: &[&str]| {
        let output = run(&[&["m2m", "import", "--dev", "--data", data, path], more].concat(), &[]);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    assert_eq!(import(&[]).0, Some(2), "there is no list");
    let head = "client_id,client_secret,name,scopes";
    let good = format!("{head}\n3MVG9lKcPoNINVBI,1955279925675241571_nR8pQ,Export,read:notes write:notes\n");
    std::fs::write(&file, &good).expect("a file");
    assert_eq!(import(&["--dry-run"]).1, "3MVG9lKcPoNINVBI  created\n");
    assert_eq!(import(&[]).1, "3MVG9lKcPoNINVBI  created\n");
    assert_eq!(import(&[]), (Some(0), "3MVG9lKcPoNINVBI  unchanged\n".into(), String::new()));
    let request = json!({
        "grant_type": "client_credentials",
        "client_id": "3MVG9lKcPoNINVBI",
        "client_secret": "1955279925675241571_nR8pQ",
        "audience": "https://api.acme.example",
    });
    let (status, token) = server.post("/v1/oauth2/token", &request);
    assert_eq!((status, &token["scope"]), (200, &json!("read:notes write:notes")));

    std::fs::write(&file, format!("{good}weak,password,Weak,\nnew,,New,\n")).expect("a file");
    let (status, said, error) = import(&["--json"]);
    assert_eq!(status, Some(1));
    assert!(error.contains("1 of 3 clients were refused"), "{error}");
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said[1]["error_type"], "insecure_m2m_client_secret");
    assert_eq!(said[2]["client_secret"].as_str().map(str::len), Some(44));
}

#[test]
fn a_member_is_unlocked_by_command_while_the_server_runs() {
    let directory = Directory::new("unlock");
    let server = Dev::start(&directory.0, &[]);
    let data = directory.0.to_str().expect("a path in UTF-8");
    let name = json!({ "organization_name": "Acme", "organization_slug": "acme" });
    let (_, acme) = server.post("/v1/b2b/organizations", &name);
    let id = acme["organization"]["organization_id"].as_str().expect("an id");
    let ada = json!({ "organization_id": id, "email_address": "ada@acme.example" });
    let (_, created) = server.post(&format!("/v1/b2b/organizations/{id}/members"), &ada);
    let member = created["member"]["member_id"].as_str().expect("an id");
    let guess = json!({ "organization_id": id, "email_address": "ada@acme.example", "code": "000000" });
    let deadline = Instant::now() + Duration::from_secs(20);
    // A code takes a few tries only; a new one does not begin the count anew.
    while server.post("/v1/b2b/otps/email/authenticate", &guess).1["error_type"] != "user_lock_limit_reached"
    {
        assert!(Instant::now() < deadline, "guessing does not lock the member");
        server.post("/v1/b2b/otps/email/login_or_signup", &ada);
    }
    let unlock = |member: &str, more: &[&str]| {
        let output = run(&[&["member", "unlock", "--dev", "--data", data, member], more].concat(), &[]);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    assert_eq!(unlock(member, &[]).1, "ada@acme.example can sign in to Acme again.\n");
    let found = server.get(&format!("/v1/b2b/organizations/{id}/member?member_id={member}")).1;
    assert_eq!(found["member"]["is_locked"], false);
    let said: Value = serde_json::from_str(&unlock(member, &["--json"]).1).expect("JSON");
    assert_eq!(said, json!({ "organization_id": id, "member_id": member }));
    let nobody = "member-test-00000000-0000-4000-8000-000000000000";
    let (status, _, error) = unlock(nobody, &[]);
    assert_eq!(status, Some(1), "{error}");
    assert_eq!(unlock("ada", &[]).0, Some(1));
}
