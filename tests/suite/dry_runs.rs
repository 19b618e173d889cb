//! Every command that writes has a dry run, and a dry run writes nothing.

use clap::CommandFactory;
use serde_json::Value;

use crate::support::{Operator, server};

const USER: &str = "11111111-1111-4111-8111-111111111111";

/// Commands without `--dry-run`, and why they need none.
const WITHOUT: &[(&str, &str)] = &[
    ("demo", "all it makes is its own"),
    ("local up", "it starts what is there, or makes it where nothing is"),
    ("local status", "it reads"),
    ("local url", "it reads"),
    ("tenant list", "it reads"),
    ("tenant show", "it reads"),
    ("tenant url", "it reads"),
    ("tenant connect", "what psql does is the operator's"),
    ("migrate status", "it reads"),
    ("migrate lint", "it reads files"),
    ("migrate runs list", "it reads"),
    ("migrate runs show", "it reads"),
    ("migrate runs watch", "it reads"),
    ("seed list", "it reads"),
    ("query", "it reads"),
    ("session list", "it reads"),
    ("session show", "it reads"),
    ("session check", "it reads"),
    ("member list", "it reads"),
    ("token verify", "it reads"),
    ("token explain", "it reads"),
    ("token decode", "it reads"),
    ("jwks show", "it reads; the copy on disk is a cache"),
    ("jwks refresh", "it reads; the copy on disk is a cache"),
    ("audit list", "it reads"),
    ("audit verify", "it reads"),
    ("audit export", "it reads"),
    ("health", "it reads"),
    ("config show", "it reads"),
    ("config path", "it reads"),
    ("config init", "it makes one file, and never where one is"),
    ("profile list", "it reads"),
    ("completions", "it prints"),
    ("man", "it prints"),
];

/// How each of the others is called.
const WITH: &[(&str, &str)] = &[
    ("local down", ""),
    ("local destroy", ""),
    ("init", ""),
    ("tenant create", "new --name New"),
    ("tenant adopt", "theirs --name Theirs --database DATABASE"),
    ("tenant rotate", "acme"),
    ("tenant update", "acme --plan pro"),
    ("tenant protect", "acme"),
    ("tenant unprotect", "acme"),
    ("tenant delete", "acme"),
    ("tenant restore", "globex"),
    ("tenant purge", "globex --no-backup"),
    ("migrate apply", "--all"),
    ("migrate resume", "1"),
    ("migrate runs pause", "1"),
    ("migrate runs cancel", "1"),
    ("migrate new", "notes --dir made"),
    ("migrate export", "made"),
    ("migrate repair", "--all --accept 7 --reason x"),
    ("migrate baseline", "--all --at 7 --reason x"),
    ("seed apply", "--all"),
    ("session issue", "--user USER --tenant acme"),
    ("session revoke", "--tenant acme --reason x"),
    ("session prune", ""),
    ("member add", "acme USER"),
    ("member remove", "acme USER --reason x"),
    ("lockdown", "acme --reason x"),
    ("unlock", "acme --reason x"),
    ("jwks clear", "--jwks https://auth.example.com/jwks.json"),
];

/// Those whose document is a list of what would happen to each tenant, or a shape of their own.
const LISTS: &[&str] = &[
    "migrate apply",
    "migrate resume",
    "migrate repair",
    "migrate baseline",
    "seed apply",
    "session revoke",
];

fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, bool)>) {
    let below: Vec<_> = command.get_subcommands().filter(|it| it.get_name() != "help").collect();
    if below.is_empty() {
        let has = command.get_arguments().any(|it| it.get_long() == Some("dry-run"));
        found.push((path.to_owned(), has));
    }
    for command in below {
        leaves(command, format!("{path} {}", command.get_name()).trim(), found);
    }
}

#[test]
fn every_command_that_writes_has_a_dry_run() {
    let mut root = tenantctl::testkit::cli::Cli::command();
    root.build();
    let mut found = Vec::new();
    leaves(&root, "", &mut found);
    assert!(found.len() > 40, "{found:?}");
    for (path, has) in found {
        let is_with = WITH.iter().any(|(with, _)| *with == path);
        let is_without = WITHOUT.iter().any(|(without, _)| *without == path);
        assert_eq!((is_with, is_without), (has, !has), "{path}");
    }
}

/// Everything that a dry run could change in the control plane.
fn state(operator: &Operator) -> String {
    let tables = [
        "tenant_metadata",
        "operations",
        "sessions",
        "user_mappings",
        "policy_sync_log",
        "epochs",
        "lockdowns",
        "migration_runs",
        "migration_run_tenants",
    ];
    let hash = |table: &str| {
        format!(
            "(SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) \
             FROM control_plane.{table} t)"
        )
    };
    let all = tables.map(hash).join(" || ' ' || ");
    operator.plane().ask(&format!("SELECT {all}"))
}

#[test]
fn a_dry_run_says_so_and_changes_nothing() {
    let operator = Operator::new();
    for slug in ["acme", "globex"] {
        let _ran = operator.run(&format!("tenant create {slug} --name {slug}")).success();
    }
    let _ran = operator.run("tenant delete globex --confirm globex").success();
    let _jti = operator.issue(USER, "acme");
    operator.plane().run(
        "INSERT INTO control_plane.migration_runs \
           (state, migrations, fingerprint, selector, plan_key, actor, operation_id) \
         SELECT 'rolling', '[]', schema_fingerprint, '{}', 'x', 'tester', gen_random_uuid() \
         FROM control_plane.tenant_metadata WHERE slug = 'acme'; \
         INSERT INTO control_plane.migration_run_tenants (run_id, tenant_id, position, wave) \
         SELECT 1, tenant_id, 1, 1 FROM control_plane.tenant_metadata WHERE slug = 'acme'",
    );
    let theirs = server().new_database();
    let databases = || {
        operator.plane().ask("SELECT count(*) FROM pg_database WHERE datname LIKE 'tenant_new_%'")
    };
    let before = (state(&operator), databases());
    for (path, arguments) in WITH {
        let arguments = arguments.replace("USER", USER).replace("DATABASE", &theirs);
        let line = format!("{path} {arguments} --dry-run -o json");
        let said: Value = operator.run(&line).success().json();
        assert_eq!(said["dry_run"], true, "{line}: {said}");
        if !LISTS.contains(path) {
            assert!(said["plan"].is_object(), "{line}: {said}");
        }
        assert_eq!((state(&operator), databases()), before, "{line}");
    }
    assert!(!operator.home().join("made").exists());
}

#[test]
fn a_dry_run_ends_as_the_real_run_would() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create acme --name Acme").success();
    let plan = |line: &str| operator.run(&format!("{line} --dry-run -o json")).success().json();
    assert_eq!(plan("tenant protect acme")["plan"]["changed"], true);
    let _ran = operator.run("tenant protect acme").success();
    assert_eq!(plan("tenant protect acme")["plan"]["changed"], false);
    assert_eq!(plan("tenant unprotect acme")["plan"]["changed"], true);
    let _ran = operator.run("tenant unprotect acme").success();
    let _ran = operator.run("lockdown acme --reason x");
    let _ran = operator.run("tenant create globex --name Globex").success();
    for (line, code) in [
        ("tenant rotate acme".to_owned(), 5),
        ("tenant restore acme".to_owned(), 0),
        (format!("session issue --user {USER} --tenant acme"), 5),
        (format!("session issue --user {USER} --tenant nobody"), 4),
        ("tenant create globex --name Other".to_owned(), 5),
    ] {
        let _planned = operator.run(&format!("{line} --dry-run")).fails_with(code);
        let _done = operator.run(&line).fails_with(code);
    }
}
