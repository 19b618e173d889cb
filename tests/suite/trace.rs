//! `-vv`: a line for every statement and every request, and no value in any.

use crate::project;
use crate::support::Operator;
use crate::support::management::TOKEN;

/// Returns the lines that `-vv` adds: seconds in brackets, then what was done.
fn traced(stderr: &str) -> Vec<&str> {
    stderr
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.split_once("] "))
        .map(|l| l.1)
        .collect()
}

fn assert_has(lines: &[&str], start: &str, end: &str) {
    let found = lines.iter().any(|line| line.starts_with(start) && line.ends_with(end));
    assert!(found, "no line `{start} … {end}` in:\n{}", lines.join("\n"));
}

#[test]
fn a_line_for_each_statement_and_each_request_and_no_secret() {
    let (fake, operator) = project::operator();
    let ran = operator.run("tenant create acme --name 'Acme Ltd' -vvv").success();
    let (reference, _) = &fake.projects()[0];
    let lines = traced(ran.stderr());
    let plane = format!("/{}: ", operator.plane_name());
    let in_plane: Vec<_> =
        lines.iter().filter_map(|line| Some(line.split_once(plane.as_str())?.1)).collect();
    assert_has(&in_plane, "connect as operator to create: connected in ", " ms");
    assert_has(&in_plane, "INSERT INTO control_plane.locks AS k (", " ms");
    assert_has(&in_plane, "INSERT INTO control_plane.tenant_metadata (", " ms");
    let host = operator.plane().says("SELECT host FROM control_plane.tenant_metadata");
    let role = format!("{host}:5432/postgres: CREATE ROLE \"tenant_acme_");
    assert_has(&lines, &role, " ms");
    assert!(lines.iter().any(|line| line.contains("PASSWORD …;")), "{}", lines.join("\n"));
    assert_has(&lines, &format!("POST {}/v1/projects: 201, ", fake.url()), " ms");
    assert_has(&lines, &format!("GET {}/v1/projects/{reference}: 200, ", fake.url()), " ms");
    assert_has(&lines, "failed to read the migration history: SQLSTATE 42P01", "");
    let url = operator.run("tenant url acme --reveal").success();
    let password = url.stdout().split([':', '@']).nth(2).unwrap();
    for secret in [TOKEN, password, "SCRAM-SHA-256", "Acme Ltd"] {
        assert!(!ran.stderr().contains(secret), "{secret}: {ran}");
    }
}

#[test]
fn what_failed_says_so_and_once_v_says_nothing_of_it() {
    let operator = Operator::new()
        .with("TENANTCTL_MANAGEMENT_API_URL", "http://127.0.0.1:9")
        .with("SUPABASE_ACCESS_TOKEN", TOKEN)
        .with("TENANTCTL_ORGANIZATION", "acme")
        .with("TENANTCTL_PLACEMENT", "project")
        .with("TENANTCTL_HASTE", "1000");
    let line = "tenant create acme --name Acme --timeout 5s";
    let ran = operator.run(&format!("{line} -vv")).fails_with(8);
    let lines = traced(ran.stderr());
    assert_has(&lines, "GET http://127.0.0.1:9/v1/organizations/acme/projects: ", " ms");
    assert!(lines.iter().any(|line| line.contains("refused")), "{}", lines.join("\n"));
    for flags in ["", "-v", "-v -o json"] {
        let ran = operator.run(&format!("{line} {flags}")).fails_with(8);
        assert_eq!(traced(ran.stderr()), Vec::<&str>::new());
    }
    let elsewhere =
        operator.with("TENANTCTL_CONTROL_PLANE_URL", "postgresql://x@127.0.0.1:9/plane");
    let ran = elsewhere.run("tenant list -vv").fails_with(7);
    let lines = traced(ran.stderr());
    assert_has(&lines, "127.0.0.1:9/plane: connect as x to command: the connection failed in ", "");
}
