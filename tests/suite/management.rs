//! The Management API's client against exchanges that were recorded, and the fake against itself.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tenantctl::testkit::management::RetryPolicy;
use tenantctl::testkit::management::{Management, ManagementError, Phase, RefusalReason};
use tenantctl::testkit::model::{Classified, ErrorKind, ProjectRef, SecretText};
use tokio::time::Instant;

use crate::support::management::{Fake, ORGANIZATION, TOKEN};
use crate::support::server;

const REF: &str = "abcdefghijklmnopqrst";

/// Returns a recorded answer with its placeholders filled in: status, headers, body.
fn recorded(case: &str) -> (u16, Vec<(String, String)>, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recorded");
    let text = std::fs::read_to_string(path.join(format!("{case}.response.json"))).unwrap();
    let text = text
        .replace("__PROJECT_REF__", REF)
        .replace("__UUID__", "11111111-2222-4333-8444-555555555555")
        .replace("__JWT__", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln");
    let found: Value = serde_json::from_str(&text).unwrap();
    let headers = found["headers"].as_object().unwrap();
    let headers =
        headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().into()));
    let body = match &found["body"] {
        Value::Null => "null".to_owned(),
        other => other.to_string(),
    };
    (u16::try_from(found["status"].as_u64().unwrap()).unwrap(), headers.collect(), body)
}

/// Serves answers one after the other, the last one for ever, and returns the address.
fn replay(cases: &[&str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answers: Vec<_> = cases.iter().map(|case| recorded(case)).collect();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let (status, headers, body) = &answers[number.min(answers.len() - 1)];
            // The head is all that decides; what follows it fits into one packet.
            let mut request = [0; 4096];
            drop(stream.read(&mut request));
            let mut answer = format!("HTTP/1.1 {status} Recorded\r\nconnection: close\r\n");
            for (name, value) in headers {
                write!(answer, "{name}: {value}\r\n").unwrap();
            }
            write!(answer, "content-length: {}\r\n\r\n{body}", body.len()).unwrap();
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    address
}

fn client(address: &str) -> Management {
    let retry = RetryPolicy {
        first_delay: Duration::from_millis(5),
        longest_delay: Duration::from_millis(20),
        ..RetryPolicy::default()
    };
    Management::new(address, SecretText::new(TOKEN.to_owned()), retry).unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn project() -> ProjectRef {
    REF.parse().unwrap()
}

/// Runs something async to its end.
fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn recorded_answers_are_read() {
    for (case, phase) in
        [("project-get-coming-up", Phase::Pending), ("project-get-active-healthy", Phase::Ready)]
    {
        let api = client(&replay(&[case]));
        let found = wait(api.project(&project(), soon())).unwrap().unwrap();
        assert_eq!((found.status.phase(), found.reference.as_str()), (phase, REF), "{case}");
        assert_eq!(found.database_host.unwrap(), format!("db.{REF}.supabase.red"));
    }
    for case in ["projects-create-201-status-unknown", "projects-create-201-status-active-healthy"]
    {
        let new = tenantctl::testkit::management::NewProject {
            name: "my-project".to_owned(),
            organization: REF.to_owned(),
            region: "us-east-1".to_owned(),
            database_password: SecretText::new("password123".to_owned()),
        };
        let made = wait(client(&replay(&[case])).create_project(&new, soon())).unwrap();
        assert_eq!((made.reference.as_str(), made.name.as_str()), (REF, "my-project"), "{case}");
    }
    let organizations = wait(client(&replay(&["organizations-list"])).organizations(soon()));
    assert_eq!(organizations.unwrap()[0].name, "owner@example.com's Org");
    assert!(
        wait(client(&replay(&["project-delete-404-injected"])).project(&project(), soon()))
            .unwrap()
            .is_none()
    );
    let pooler = wait(client(&replay(&["pooler-get"])).pooler(&project(), soon())).unwrap();
    assert_eq!(pooler.host, "aws-0-us-east-1.pooler.supabase.green");
    assert_eq!(pooler.user_suffix, format!(".{REF}"));
}

#[test]
fn recorded_deletions_and_refusals_are_understood() {
    let deleting = |case| wait(client(&replay(&[case])).delete_project(&project(), soon()));
    assert_eq!(deleting("project-delete-200"), Ok(true));
    assert_eq!(deleting("project-delete-404-injected"), Ok(false));
    assert_eq!(deleting("project-get-400-resource-removed"), Ok(false));
    let not_ready = deleting("project-delete-400-not-ready").unwrap_err();
    assert_eq!(
        (not_ready.reason(), not_ready.kind()),
        (RefusalReason::NotReady, ErrorKind::Unavailable)
    );

    let list = |cases: &[&str]| wait(client(&replay(cases)).organizations(soon())).unwrap_err();
    let denied = list(&["projects-list-401-injected"]);
    assert_eq!(denied.kind(), ErrorKind::Denied);
    assert!(denied.hint().unwrap().contains("SUPABASE_ACCESS_TOKEN"));
    assert_eq!(list(&["projects-create-403-injected"]).kind(), ErrorKind::Denied);
    let role = wait(client(&replay(&["login-role-401-quoted"])).login_role(&project(), soon()));
    assert_eq!(role.unwrap_err().kind(), ErrorKind::Denied);
    let quoted = client(&replay(&["database-query-400-quoted"]));
    let refused = wait(quoted.login_role(&project(), soon())).unwrap_err();
    assert!(refused.to_string().contains("42P01"), "{refused}");
    assert!(!refused.to_string().contains('\n'), "{refused}");
}

#[test]
fn what_passes_is_tried_again() {
    let api = client(&replay(&["projects-list-500-injected", "organizations-list"]));
    assert_eq!(wait(api.organizations(soon())).unwrap().len(), 2);
    let began = std::time::Instant::now();
    let api = client(&replay(&["projects-list-429-injected", "organizations-list"]));
    assert_eq!(wait(api.organizations(soon())).unwrap().len(), 2);
    assert!(began.elapsed() >= Duration::from_secs(2), "Retry-After was 2");
    // A wait that does not fit into the time there is is not begun.
    let api = client(&replay(&["projects-list-429-injected"]));
    let error = wait(api.organizations(Instant::now() + Duration::from_secs(1))).unwrap_err();
    assert!(matches!(error, ManagementError::Refused { status: 429, .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn an_answer_that_makes_no_sense_is_not_repeated_in_words() {
    let api = client(&replay(&["api-keys-masked"]));
    let error = wait(api.project(&project(), soon())).unwrap_err();
    assert!(matches!(error, ManagementError::Shape { .. }), "{error}");
    assert!(error.may_have_acted());
    assert!(!error.to_string().contains("eyJ"), "{error}");
}

/// Sends the fake a request that was recorded, about a project of its own.
fn send(fake: &Fake, project: &str, case: &str) -> (u16, Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recorded");
    let text = std::fs::read_to_string(path.join(format!("{case}.request.json"))).unwrap();
    let asked: Value = serde_json::from_str(&text.replace("__PROJECT_REF__", project)).unwrap();
    ask(fake, asked["method"].as_str().unwrap(), asked["path"].as_str().unwrap(), &asked["body"])
}

/// Asks the fake something in the plainest words, and returns its status and body.
fn ask(fake: &Fake, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let address = fake.url().trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[test]
fn the_fake_answers_recorded_requests_as_they_were_answered() {
    let fake = Fake::start(server().programs(), 0);
    let project = fake.put_project("recorded");
    for case in [
        "network-restrictions-get-open",
        "network-restrictions-apply",
        "network-bans-retrieve",
        "database-query-select-1",
        "database-query-second",
        "database-backups-empty",
        "project-pause-200-hand-authored",
    ] {
        let (status, _, body) = recorded(case);
        // The projects were elsewhere.
        let body = body.replace("us-east-1", "eu-central-1");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(send(&fake, &project, case), (status, body), "{case}");
    }
    let other = fake.put_project("asked for what is not there");
    let (status, said) = send(&fake, &other, "database-query-400-quoted");
    assert_eq!(status, 400);
    assert!(said["message"].as_str().unwrap().starts_with("Failed to run sql query: ERROR:  "));
}

#[test]
fn the_fake_takes_what_clients_send_and_says_what_it_does_not_serve() {
    let fake = Fake::start(server().programs(), 0);
    let project = fake.put_project("asked");
    let at = |rest: &str| format!("/v1/projects/{project}{rest}");
    let get = |rest: &str| ask(&fake, "GET", &at(rest), &Value::Null);
    let (_, masked) = get("/api-keys?reveal=false");
    let (status, revealed) = get("/api-keys?reveal=true");
    assert_eq!(status, 200);
    let secret = |keys: &Value| keys[3]["api_key"].as_str().unwrap().to_owned();
    assert!(secret(&masked).contains('\u{b7}') && !secret(&revealed).contains('\u{b7}'));
    assert_eq!(get("/api-keys?reveal=perhaps").0, 400);
    for services in ["services=db,auth", "services=db&services=auth", "services=db%2Cauth"] {
        let (status, health) = get(&format!("/health?{services}"));
        assert_eq!((status, health.as_array().unwrap().len()), (200, 2), "{services}");
    }
    assert_eq!(get("/health?services=db,nothing").0, 400);
    let query = |sql: &str, parameters: Value| {
        let body = json!({ "query": sql, "parameters": parameters });
        ask(&fake, "POST", &at("/database/query"), &body)
    };
    let sql = "SELECT $1::int + 1 AS n, $2 || 'c' AS t, $3::text[] AS l, $4::text IS NULL AS z";
    let (status, rows) = query(sql, json!([41, "a'b", ["x", "y"], null]));
    assert_eq!(status, 201, "{rows}");
    assert_eq!(rows, json!([{ "n": 42, "t": "a'bc", "l": ["x", "y"], "z": true }]));
    assert_eq!(query("CREATE TABLE made (n int)", json!([])), (201, json!([])));
    assert_eq!(query("INSERT INTO made VALUES ($1)", json!(["7"])), (201, json!([])));
    assert_eq!(query("SELECT n FROM made WHERE n = $1", json!([7])).1, json!([{ "n": 7 }]));
    let change = json!({ "add": { "dbAllowedCidrs": ["203.0.113.0/24"] },
        "remove": { "dbAllowedCidrs": ["0.0.0.0/0"], "dbAllowedCidrsV6": ["::/0"] } });
    let (status, changed) = ask(&fake, "PATCH", &at("/network-restrictions"), &change);
    let left = json!([{ "address": "203.0.113.0/24", "type": "v4" }]);
    assert_eq!((status, &changed["config"]["dbAllowedCidrs"]), (200, &left));
    let (_, now) = get("/network-restrictions");
    assert_eq!(now["config"]["dbAllowedCidrs"], json!(["203.0.113.0/24"]));
    for unserved in ["/functions", "/secrets", "/advisors/security"] {
        assert_eq!(get(unserved).0, 501, "{unserved}");
    }
    fake.assert_true_to_the_document();
}

#[test]
fn the_fake_refuses_what_the_document_refuses_and_lists_by_pages() {
    let fake = Fake::start(server().programs(), 0);
    let api = client(fake.url());
    fake.put_names(230);
    let found = wait(api.list_projects(ORGANIZATION, None, soon())).unwrap();
    assert_eq!(found.len(), 230);
    let pages = fake.asked("GET /v1/organizations/{slug}/projects");
    assert_eq!(pages.len(), 3, "{pages:?}");
    let searched = wait(api.list_projects(ORGANIZATION, Some("filler-22"), soon())).unwrap();
    assert_eq!(searched.len(), 10);
    let error = wait(api.list_projects("no such", None, soon())).unwrap_err();
    assert!(error.to_string().contains("slug:"), "{error}");
    let regions = wait(api.regions(ORGANIZATION, soon())).unwrap();
    assert_eq!(regions.iter().filter(|region| region.is_recommended).count(), 1);
    let wrong = SecretText::new("sbp_wrong".to_owned());
    let wrong = Management::new(fake.url(), wrong, RetryPolicy::default()).unwrap();
    assert_eq!(wait(wrong.organizations(soon())).unwrap_err().kind(), ErrorKind::Denied);
}
