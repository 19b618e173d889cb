//! Changes to one tenant's database: each is found and named by `migrate status --verify`, and one
//! that lets a client in makes a lockdown unproven. `tests/data/mutants.txt` lists them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use crate::support::{Operator, Server, Session, environment};

const MUTANTS: &str = include_str!("../data/mutants.txt");

/// What a client could do, tried without any of our code.
const CLIENT: &str = include_str!("../data/client.sql");

struct Mutant {
    /// Whether it lets a client in that a locked gate should refuse.
    lets_in: bool,
    change: &'static str,
    undo: &'static str,
}

fn mutants() -> Vec<Mutant> {
    let lines = MUTANTS.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (change, undo) = line.split_once(" => ").unwrap();
            let lets_in = change.starts_with("! ");
            Mutant { lets_in, change: change.trim_start_matches("! "), undo }
        })
        .collect()
}

/// A server of its own, since some change what belongs to the whole server.
struct Place {
    // The server goes when it is dropped.
    _server: Server,
    operator: Operator,
    superuser: Session,
    login: String,
    neighbour: String,
    id: String,
}

impl Place {
    fn new() -> Self {
        let server = Server::alone();
        let mut superuser = server.superuser("postgres");
        superuser.run("CREATE DATABASE cp OWNER operator TEMPLATE template0");
        superuser.run(
            "CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN; \
             GRANT anon, authenticated TO operator WITH ADMIN OPTION",
        );
        let operator = Operator::unconfigured();
        let key = operator.home().join("secret.key");
        fs::write(&key, "01".repeat(32)).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let operator = operator
            .with("TENANTCTL_CONTROL_PLANE_URL", server.url("operator", "cp"))
            .with("TENANTCTL_SECRET_KEY_FILE", key);
        let _ran = operator.run("init").success();
        let mut made = ["acme", "globex"].map(|slug| {
            let line = format!("-o json tenant create {slug} --name {slug} --seed");
            let tenant = operator.run(&line).success().json()["tenant"].clone();
            let text = |field: &str| tenant[field].as_str().unwrap().to_owned();
            (text("database"), text("id"))
        });
        let (login, id) = std::mem::take(&mut made[0]);
        let superuser = server.superuser(&login);
        let neighbour = std::mem::take(&mut made[1].0);
        Self { _server: server, operator, superuser, login, neighbour, id }
    }

    fn fill(&self, text: &str) -> String {
        let functions = || {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/functions/gate");
            let mut files: Vec<_> =
                fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            files.sort();
            let texts: String =
                files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
            format!(
                "SET ROLE tenantctl_owner; SET search_path = pg_catalog; {texts}; RESET ROLE; \
                 RESET search_path"
            )
        };
        let mut text = text
            .replace("{login}", &self.login)
            .replace("{database}", &self.login)
            .replace("{neighbour}", &self.neighbour)
            .replace("{id}", &self.id);
        if text.contains("{functions}") {
            text = text.replace("{functions}", &functions());
        }
        while let Some((before, after)) = text.split_once("{protect:") {
            let (table, after) = after.split_once('}').unwrap();
            text = format!(
                "{before}SET ROLE tenantctl_owner; SELECT tenantctl.protect('public.{table}'); \
                 RESET ROLE{after}"
            );
        }
        text
    }

    fn run(&mut self, text: &str) {
        let text = self.fill(text);
        self.superuser.run(&text);
    }

    /// Returns what a client does to the tenant's rows, as each role it can be, with a token and as
    /// the application asks.
    fn client_does(&mut self) -> Vec<String> {
        let second: i64 = self.superuser.value("SELECT extract(epoch FROM now())::bigint");
        let claims = json!({
            "iat": second, "exp": second + 3600, "tenant_epoch": 9999,
            "app_metadata": { "tenant_id": self.id },
        });
        let modes = [
            format!("SET LOCAL request.jwt.claims = '{claims}'"),
            format!("SET LOCAL app.current_tenant_id = '{}'", self.id),
        ];
        let roles = [&self.login, "tenantctl_app", "authenticated", "anon", &self.neighbour];
        let mut found = Vec::new();
        for role in roles.map(str::to_owned) {
            for mode in &modes {
                let said = self.superuser.says_and_undoes(&[
                    mode,
                    &format!("SET LOCAL ROLE {role}"),
                    CLIENT,
                    "SELECT current_setting('client.got')",
                ]);
                if !said.is_empty() {
                    found.push(format!("{role}: {said}"));
                }
            }
        }
        found
    }
}

#[test]
fn every_change_to_a_tenants_database_is_named() {
    let mut place = Place::new();
    let look = "-o json migrate status --tenant acme --verify";
    let _ran = place.operator.run(look).success();
    let mutants = mutants();
    assert!(mutants.len() >= 80, "{}", mutants.len());
    for Mutant { change, undo, .. } in mutants {
        place.run(change);
        let report = place.operator.run(look).fails_with(10).json();
        let tenant = &report["results"][0];
        // One takes the schema away from us, and nothing more can be read.
        if tenant["outcome"] != "unknown" {
            assert_eq!(tenant["outcome"], "differs", "{change}: {tenant}");
            let found = tenant["catalog"]["differences"].as_array().unwrap();
            assert!(!found.is_empty(), "{change}");
        }
        place.run(undo);
        let ran = place.operator.run(look);
        assert_eq!(ran.code(), 0, "after {undo}: {ran}");
    }
    // The clean build is made once, and nothing of it stays.
    let left: i64 =
        place.superuser.value("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tenant\\_clean%'");
    assert_eq!(left, 0);
}

#[test]
fn a_lockdown_that_a_client_gets_past_is_not_proved() {
    let mut place = Place::new();
    let lock = "-o json lockdown acme --reason r";
    let report = place.operator.run(lock).success().json();
    assert_eq!(report["proven"], true);
    assert_eq!(place.client_does(), [""; 0]);
    let is_whole = environment("TENANTCTL_TEST_ALL_MUTANTS").is_some();
    for Mutant { lets_in, change, undo } in mutants() {
        if !lets_in && !is_whole {
            continue;
        }
        place.run(change);
        let does = place.client_does();
        assert_eq!(!does.is_empty(), lets_in, "{change}: {does:?}");
        let ran = place.operator.run(lock);
        if lets_in {
            let report = ran.fails_with(12).json();
            let gate = &report["probes"][1];
            assert_ne!(gate["outcome"], "refused", "{change}: {gate}");
        }
        place.run(undo);
    }
    let report = place.operator.run(lock).success().json();
    assert_eq!(report["proven"], true);
}
