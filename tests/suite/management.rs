//! The Management API's client against exchanges that were recorded, and the fake against itself.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
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
