//! `tenant connect`: psql with the tenant's rows before it, and no secret where others can read it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::Operator;

fn seeded() -> Operator {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme --seed").success();
    operator
}

#[test]
fn psql_shows_the_tenants_rows_as_its_login_and_as_the_operator() {
    let operator = seeded();
    let login = operator.tenant("acme").database;
    let count = "-- -X -A -t -c 'select current_user, count(*) from vendors'";
    let ran = operator.run(&format!("tenant connect acme {count}")).success();
    assert_eq!(ran.stdout(), format!("{login}|30\n"));
    let ran = operator.run(&format!("tenant connect acme --as operator {count}")).success();
    assert_eq!(ran.stdout(), "tenantctl_owner|30\n");

    let ran = operator.run("tenant connect acme -- -X -c 'select 1/0'").fails_with(8);
    assert!(ran.stderr().contains("division by zero"), "{ran}");
    let trail = operator.run("audit list --raw -o json").success();
    let trail = trail.json().to_string();
    for told in ["tenant.connect", "select 1/0", "\"as\":\"operator\"", "\"exit_code\":1"] {
        assert!(trail.contains(told), "{told}: {trail}");
    }

    let _ran = operator.run("lockdown acme --reason x");
    let ran = operator.run(&format!("tenant connect acme {count}")).fails_with(5);
    assert!(ran.stderr().contains("it is locked"), "{ran}");
    let _ran = operator.run("tenant connect acme --as operator -- -X -c 'select 1'").success();
    let _ran = operator.run("tenant connect nobody").fails_with(4);
}

/// A psql that writes down what it was given.
const SPY: &str = r#"#!/bin/sh
{ tr '\0' '\n' </proc/$$/cmdline; echo "--"; env; } >"$OUT/seen"
stat -c %a "$PGPASSFILE" "$PGSERVICEFILE" "$(dirname "$PGPASSFILE")" >"$OUT/modes"
dirname "$PGPASSFILE" >"$OUT/folder"
cp "$PGPASSFILE" "$OUT/pass"
"#;

#[test]
fn no_secret_is_in_the_arguments_or_the_environment_and_the_files_go() {
    let operator = seeded();
    let url = operator.run("tenant url acme --reveal").success();
    let password = url.stdout().split(':').nth(2).unwrap().split('@').next().unwrap().to_owned();
    let bin = operator.home().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("psql"), SPY).unwrap();
    fs::set_permissions(bin.join("psql"), fs::Permissions::from_mode(0o755)).unwrap();
    let operator = operator
        .with("TENANTCTL_POSTGRES_BIN", &bin)
        .with("PGPASSWORD", "theirs")
        .with("PGHOST", "elsewhere.invalid");
    let out = operator.home().to_owned();
    let operator = operator.with("OUT", &out);
    let _ran = operator.run("tenant connect acme -- -c 'select 1'").success();
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let seen = read("seen");
    assert!(!seen.contains(&password), "{seen}");
    assert!(!seen.contains("PGPASSWORD") && !seen.contains("PGHOST="), "{seen}");
    assert!(seen.contains("PGOPTIONS=-c app.current_tenant_id="), "{seen}");
    assert!(read("pass").contains(&password));
    assert_eq!(read("modes"), "600\n600\n700\n");
    assert!(!fs::exists(read("folder").trim()).unwrap());
}
