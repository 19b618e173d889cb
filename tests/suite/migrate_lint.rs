//! `tenantctl migrate lint`: what is found in files, where, and what of it may be waived. Nothing is
//! contacted.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Operator, Ran};

const NOTES: &str = "\
-- tenantctl: allow renaming-column because nothing reads it before V9 ran everywhere
CREATE TABLE public.notes (tenant_id uuid NOT NULL, body text);
CREATE POLICY p ON public.notes USING (tenant_id = (SELECT tenantctl.current_tenant()));
GRANT SELECT ON public.notes TO anon;

ALTER TABLE public.vendors RENAME COLUMN name TO title;
COPY public.notes FROM stdin;
DROP TABLE x;
\\.
COMMIT;
DO $$ BEGIN UPDATE tenantctl.gate SET locked = false; END $$;
CREATE TABLE public.currencies (code text);
";

const MORE: &str = "\
-- tenantctl: no-transaction
-- tenantctl: allow ban-drop-table because of nothing
-- tenantctl: allow policy-check
-- tenantctl: allow ban-drop-colum because x
-- tenantctl: shared currencies because ISO 4217
CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON public.vendors (name);
";

fn folder(operator: &Operator, files: &[(&str, &str)]) -> String {
    let folder = operator.home().join("own");
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    folder.to_str().unwrap().to_owned()
}

/// Returns `file:line rule` of every finding.
fn found(findings: &[Value]) -> Vec<String> {
    let line = |finding: &Value| {
        let file = Path::new(finding["file"].as_str().unwrap()).file_name().unwrap();
        let rule = finding["rule"].as_str().unwrap();
        format!("{}:{} {rule}", file.to_str().unwrap(), finding["line"])
    };
    findings.iter().map(line).collect()
}

fn lint(operator: &Operator, line: &str, folder: &str) -> Ran {
    operator.start(line, &[("TENANTCTL_MIGRATIONS_DIR", folder)]).wait()
}

#[test]
fn what_is_wrong_is_found_by_file_and_line() {
    let operator = Operator::unconfigured();
    let clean = operator.run("migrate lint -o json").success().json();
    assert_eq!((&clean["summary"]["files"], &clean["summary"]["count"]), (&7.into(), &0.into()));

    let own = folder(&operator, &[("V8__notes.sql", NOTES), ("V9__more.sql", MORE)]);
    let report = lint(&operator, "migrate lint -o json", &own).fails_with(10).json();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(
        found(findings),
        [
            "V8__notes.sql:2 row-security",
            "V8__notes.sql:3 policy-check",
            "V8__notes.sql:4 grant-anon",
            "V8__notes.sql:10 transaction-control",
            "V9__more.sql:2 waiver",
            "V9__more.sql:3 waiver",
            "V9__more.sql:4 waiver",
        ]
    );
    let refused = |finding: &&Value| finding["refused"] == true;
    assert_eq!(findings.iter().filter(refused).count(), 1);
    assert_eq!(report["summary"]["refused"], 1);
    assert_eq!(report["waived"][0]["rule"], "renaming-column");
    assert_eq!(report["waived"][0]["because"], "nothing reads it before V9 ran everywhere");
    assert_eq!(report["unseen"][0]["what"], "what a DO block does");
    assert_eq!(report["unseen"][0]["line"], 11);
    let lines = lint(&operator, "migrate lint -o ndjson", &own).fails_with(10);
    assert_eq!(lines.stdout().lines().count(), 8);

    // Without its reason the waiver is one more finding, and so is what it waived.
    let bare = NOTES.replacen(" because nothing reads it before V9 ran everywhere", "", 1);
    let own = folder(&operator, &[("V8__notes.sql", &bare)]);
    let report = lint(&operator, "migrate lint -o json", &own).fails_with(10).json();
    let findings = found(report["findings"].as_array().unwrap());
    assert_eq!(&findings[..1], ["V8__notes.sql:1 waiver"]);
    assert!(findings.contains(&"V8__notes.sql:6 renaming-column".to_owned()), "{findings:?}");

    // A file by itself, whatever its name; the folder in the settings is not looked at.
    let one = operator.home().join("a,b.sql");
    fs::write(&one, "\u{feff}select 1;\nBEGIN;\n").unwrap();
    let line = format!("migrate lint {} -o json", one.display());
    let report = lint(&operator, &line, &own).fails_with(10).json();
    assert_eq!(found(report["findings"].as_array().unwrap()), ["a,b.sql:2 transaction-control"]);
    fs::write(&one, b"select 1;\n\xff").unwrap();
    let report = lint(&operator, &line, &own).fails_with(10).json();
    assert_eq!(found(report["findings"].as_array().unwrap()), ["a,b.sql:2 unreadable"]);
    fs::remove_file(&one).unwrap();
    let ran = lint(&operator, &line, &own).fails_with(2);
    assert!(ran.error()["message"].as_str().unwrap().contains("a,b.sql"), "{ran}");
    let own = folder(&operator, &[("V12__late.sql", "select 1;")]);
    let ran = lint(&operator, "migrate lint -o json", &own).fails_with(2);
    assert!(ran.error()["message"].as_str().unwrap().contains("leaves a gap"), "{ran}");
}

#[test]
fn a_person_and_github_read_where_it_is_and_what_to_do() {
    let operator = Operator::unconfigured();
    let own = folder(&operator, &[("V8__notes.sql", NOTES)]);
    let environment = [("TENANTCTL_MIGRATIONS_DIR", own.as_str()), ("GITHUB_ACTIONS", "true")];
    let ran = operator.start("migrate lint", &environment).wait().fails_with(10);
    for told in [
        format!(
            "{own}/V8__notes.sql:2 row-security\n  row security is not forced on public.notes\n"
        ),
        "  to do: write `SELECT tenantctl.protect('public.notes');`".to_owned(),
        "1 file: 5 findings, 1 of them refused by `migrate apply`, 1 waived".to_owned(),
    ] {
        assert!(ran.stdout().contains(&told), "{told}: {ran}");
    }
    let annotation = format!("::error file={own}/V8__notes.sql,line=4,title=grant-anon::it grants");
    assert!(ran.stderr().contains(&annotation), "{ran}");
    assert!(ran.stderr().contains("Not seen: data and the size of tables; what a DO block does"));
    let ran = lint(&operator, "migrate lint", &own).fails_with(10);
    assert!(!ran.stderr().contains("::error"), "{ran}");

    let help = operator.run("help lint").success();
    for rule in ["row-security", "ban-drop-column", "transaction-control", "require-lock-timeout"] {
        assert!(help.stdout().contains(rule), "{rule}: {help}");
    }
}
