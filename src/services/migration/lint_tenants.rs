//! What only we know of a migration: how a tenant's database is kept apart.
//!
//! It reads words. What a `DO` block or a function does is not seen here; the clean build that `migrate
//! apply` makes is judged by its catalog.

use std::collections::BTreeMap;

use super::lint::Problem;
use super::shared::{SHARED, Shared};
use crate::adapters::postgres::{Script, Statement};

/// Our own schema in a tenant's database.
const OURS: &str = "tenantctl";

/// Returns what is wrong with a file's statements, each for itself.
pub(super) fn problems(script: &Script<'_>) -> Vec<Problem> {
    let judge = |statement| {
        let rules = [
            policy_check,
            policy_true,
            grant,
            definer,
            view,
            ours,
            server,
            switched_off,
            trigger_off,
        ];
        let found = rules.into_iter().filter_map(move |rule| rule(script, statement));
        found.map(|(rule, what, remedy)| Problem {
            rule,
            line: script.line_of(statement),
            what,
            remedy: remedy.to_owned(),
        })
    };
    script.statements.iter().flat_map(judge).collect()
}

type Found = Option<(&'static str, String, &'static str)>;

fn words_of(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn has(words: &[&str], wanted: &[&str]) -> bool {
    words.windows(wanted.len()).any(|found| found == wanted)
}

/// Returns a name with its schema, which is `public` where none is said.
pub(super) fn qualified(path: &[String]) -> Option<String> {
    let (name, before) = path.split_last()?;
    let schema = before.last().map_or("public", String::as_str);
    Some(format!("{schema}.{name}"))
}

fn policy_check(script: &Script<'_>, statement: &Statement) -> Found {
    let words = script.outer_words(statement);
    let words = words_of(&words);
    if !words.starts_with(&["create", "policy"]) || has(&words, &["as", "restrictive"]) {
        return None;
    }
    let only_reads = has(&words, &["for", "select"]) || has(&words, &["for", "delete"]);
    if only_reads || has(&words, &["with", "check"]) {
        return None;
    }
    let what = if has(&words, &["for", "insert"]) {
        "the policy lets any row be inserted: it has no WITH CHECK"
    } else {
        "the policy does not say what may be written: it has no WITH CHECK"
    };
    Some(("policy-check", what.to_owned(), "write WITH CHECK (…), as USING or stricter"))
}

fn policy_true(script: &Script<'_>, statement: &Statement) -> Found {
    let words = script.words(statement);
    let words = words_of(&words);
    let is_policy = matches!(words.as_slice(), ["create" | "alter", "policy", ..]);
    if !is_policy || has(&words, &["as", "restrictive"]) {
        return None;
    }
    let is_open = |pair: &[&str]| words.ends_with(pair) || has(&words, &[pair, &["with"]].concat());
    (is_open(&["using", "true"]) || words.ends_with(&["check", "true"])).then(|| {
        let what = "the policy lets every row through, for a token of another tenant as well";
        let remedy = "compare tenant_id with (select tenantctl.current_tenant()), or the user";
        ("policy-true", what.to_owned(), remedy)
    })
}

fn grant(script: &Script<'_>, statement: &Statement) -> Found {
    let names = script.names(statement);
    let names = words_of(&names);
    let is_grant = names.first() == Some(&"grant")
        || names.starts_with(&["alter", "default", "privileges"]) && names.contains(&"grant");
    let to = names.iter().rposition(|name| *name == "to").filter(|_| is_grant)?;
    let open = names[to..].iter().find(|name| matches!(**name, "anon" | "public"))?;
    let whom = if *open == "anon" { "`anon`: who has not signed in" } else { "PUBLIC: every role" };
    let remedy = "grant to `authenticated`, or with tenantctl.grant_to_applications";
    Some(("grant-anon", format!("it grants to {whom}"), remedy))
}

fn definer(script: &Script<'_>, statement: &Statement) -> Found {
    let words = script.outer_words(statement);
    let words = words_of(&words);
    let is_routine = words.first() == Some(&"create")
        && words.iter().take(4).any(|word| matches!(*word, "function" | "procedure"));
    let is_bound = has(&words, &["set", "search_path"]);
    (is_routine && has(&words, &["security", "definer"]) && !is_bound).then(|| {
        let what = "it runs with its owner's rights under its caller's search_path";
        ("security-definer", what.to_owned(), "write SET search_path = '' (or pg_catalog, pg_temp)")
    })
}

fn view(script: &Script<'_>, statement: &Statement) -> Found {
    let names = script.names(statement);
    let names = words_of(&names);
    let at = names.iter().take(5).position(|name| *name == "view")?;
    let kinds = &names[..at];
    let is_bound_later = || {
        let path = script.path_after(statement, "view");
        script.statements.iter().any(|other| {
            let names = script.names(other);
            let names = words_of(&names);
            names.starts_with(&["alter", "view"])
                && names.contains(&"security_invoker")
                && script.path_after(other, "view") == path
        })
    };
    let is_off = has(&names, &["security_invoker", "false"]);
    if kinds.first() != Some(&"create")
        || kinds.iter().any(|kind| matches!(*kind, "temp" | "temporary" | "materialized"))
        || !is_off && (names.contains(&"security_invoker") || is_bound_later())
    {
        return None;
    }
    let what = "the view reads with its owner's rights, whoever asks";
    Some((
        "view-rights",
        what.to_owned(),
        "write CREATE VIEW … WITH (security_invoker = true) AS …",
    ))
}

fn ours(script: &Script<'_>, statement: &Statement) -> Found {
    let names = script.names(statement);
    let names = words_of(&names);
    let changes = matches!(
        names.first(),
        Some(&("create" | "alter" | "drop" | "comment" | "grant" | "revoke" | "security"))
    );
    let is_made = || {
        ["function", "procedure", "aggregate"].iter().any(|kind| {
            let path = script.path_after(statement, kind);
            path.len() > 1 && path.first().is_some_and(|schema| schema == OURS)
        })
    };
    let told = |what| {
        let remedy = "leave it alone: call its functions, and let tenantctl change it";
        Some(("tenantctl-schema", what, remedy))
    };
    if changes && (has(&names, &["schema", OURS]) || is_made()) {
        return told(format!("it changes schema `{OURS}`, which is not the product's"));
    }
    let members = script.members(statement, OURS);
    let (name, _) = members.iter().find(|(_, is_called)| !is_called)?;
    told(format!("it uses `{OURS}.{name}`, which is not the product's"))
}

fn server(script: &Script<'_>, statement: &Statement) -> Found {
    let words = script.outer_words(statement);
    let words = words_of(&words);
    let what = match words.as_slice() {
        ["create" | "alter" | "drop", kind @ ("role" | "user" | "group"), next, ..]
            if (*kind, *next) != ("user", "mapping") =>
        {
            "roles belong to the server: every tenant there has this one"
        }
        ["create" | "alter" | "drop", "database" | "tablespace", ..] => {
            "it names one database or tablespace: every tenant has a database of its own"
        }
        ["alter", "system", ..] => "it changes the server, which other tenants use as well",
        _ => return None,
    };
    Some(("server-wide", what.to_owned(), "do it once, beside the migrations"))
}

fn switched_off(script: &Script<'_>, statement: &Statement) -> Found {
    let words = script.outer_words(statement);
    let words = words_of(&words);
    let is_off = has(&words, &["disable", "row", "level", "security"])
        || has(&words, &["no", "force", "row", "level", "security"]);
    (words.starts_with(&["alter", "table"]) && is_off).then(|| {
        let what = "row security is switched off: whoever has a grant reads every row";
        ("row-security-off", what.to_owned(), "leave it on and forced; alter the policies")
    })
}

fn trigger_off(script: &Script<'_>, statement: &Statement) -> Found {
    let words = script.outer_words(statement);
    let words = words_of(&words);
    (words.starts_with(&["alter", "table"]) && has(&words, &["disable", "trigger"])).then(|| {
        let what = "a trigger is switched off, which may guard something";
        let remedy = "let it run, or say in a waiver what guards the rows meanwhile";
        ("trigger-off", what.to_owned(), remedy)
    })
}

/// A table that a file makes.
struct Made {
    file: usize,
    line: usize,
    has_tenant: bool,
    is_enabled: bool,
    is_forced: bool,
}

/// Returns the tables that the files, in order, make and leave open, with the file of each.
pub(super) fn open_tables(
    scripts: &[(usize, &Script<'_>)],
    shared: &[Shared],
) -> Vec<(usize, Problem)> {
    let mut tables = BTreeMap::new();
    for (file, script) in scripts {
        for statement in &script.statements {
            follow(&mut tables, *file, script, statement);
        }
    }
    let open = tables.into_iter().filter_map(|(table, made)| {
        let is_shared = shared.iter().any(|it| it.table == table);
        let what = match made {
            _ if is_shared => return None,
            Made { has_tenant: true, is_enabled, is_forced, .. } if !(is_enabled && is_forced) => {
                format!("row security is not forced on {table}")
            }
            Made { is_enabled: false, .. } => {
                format!("{table} has no row security: whoever has a grant reads every row")
            }
            _ => return None,
        };
        let mend = if made.has_tenant {
            format!("`SELECT tenantctl.protect('{table}');`")
        } else {
            format!("`ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;` and its policies")
        };
        let remedy = format!("write {mend}, or, when it is meant so, `{SHARED} {table} because …`");
        Some((made.file, Problem { rule: "row-security", line: made.line, what, remedy }))
    });
    open.collect()
}

fn follow(
    tables: &mut BTreeMap<String, Made>,
    file: usize,
    script: &Script<'_>,
    statement: &Statement,
) {
    let (words, names) = (script.outer_words(statement), script.names(statement));
    let (words, names) = (words_of(&words), words_of(&names));
    let target = || qualified(&script.path_after(statement, "table"));
    let names_tenant = names.contains(&"tenant_id");
    match words.as_slice() {
        ["create", rest @ ..] => {
            let mut kind = rest.iter().skip_while(|word| matches!(**word, "unlogged" | "global"));
            let is_table = kind.next() == Some(&"table");
            let Some(table) = target().filter(|_| is_table) else { return };
            if has(&words, &["partition", "of"]) || table.starts_with("tenantctl.") {
                return;
            }
            let line = script.line_of(statement);
            let made =
                Made { file, line, has_tenant: names_tenant, is_enabled: false, is_forced: false };
            tables.insert(table, made);
        }
        ["alter", "table", ..] => {
            let Some(made) = target().and_then(|table| tables.get_mut(&table)) else { return };
            made.has_tenant |= names_tenant && words.contains(&"add");
            made.is_enabled |= has(&words, &["enable", "row", "level", "security"]);
            made.is_forced |= has(&words, &["force", "row", "level", "security"])
                && !has(&words, &["no", "force"]);
        }
        ["drop", "table", ..] => drop(target().and_then(|table| tables.remove(&table))),
        _ if names.contains(&"protect") && names.contains(&OURS) => {
            for text in script.strings(statement) {
                let path: Vec<_> = text.trim_matches('\'').split('.').map(str::to_owned).collect();
                if let Some(made) = qualified(&path).and_then(|table| tables.get_mut(&table)) {
                    (made.is_enabled, made.is_forced) = (true, true);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        let script = Script::read(text).unwrap();
        problems(&script).into_iter().map(|problem| problem.rule).collect()
    }

    #[test]
    fn what_lets_somebody_in_is_found() {
        for (text, rule) in [
            ("create policy a on t using (x = 1)", "policy-check"),
            ("create policy a on t for insert to authenticated", "policy-check"),
            ("create policy a on t for update using (x = 1)", "policy-check"),
            ("create policy a on t for select using (true)", "policy-true"),
            ("create policy \"Everybody.\" on t for insert with check ( true )", "policy-true"),
            ("alter policy a on t using (true) with check (x = 1)", "policy-true"),
            (
                "grant select on all tables in schema public to authenticated, \"anon\"",
                "grant-anon",
            ),
            ("grant all on t to public", "grant-anon"),
            ("alter default privileges in schema public grant all on tables to anon", "grant-anon"),
            (
                "create or replace function f() returns int language sql security definer as $$ $$",
                "security-definer",
            ),
            ("create or replace view v as select 1", "view-rights"),
            ("create view v with (security_invoker = false) as select 1", "view-rights"),
            (
                "create function tenantctl.f() returns int language sql as $$ select 1 $$",
                "tenantctl-schema",
            ),
            ("update \"tenantctl\".gate set locked = false", "tenantctl-schema"),
            ("grant usage on schema tenantctl to x", "tenantctl-schema"),
            ("drop function tenantctl.protect(text)", "tenantctl-schema"),
            ("create role x bypassrls", "server-wide"),
            ("alter user x set a = b", "server-wide"),
            ("alter database d set a = b", "server-wide"),
            ("alter system set a = b", "server-wide"),
            ("alter table only t disable row level security", "row-security-off"),
            ("alter table t no force row level security", "row-security-off"),
            ("alter table t disable trigger all", "trigger-off"),
        ] {
            assert_eq!(rules(text), [rule], "{text}");
        }
    }

    #[test]
    fn what_is_fine_is_not() {
        for text in [
            "create policy a on t using (x = 1) with check (x = 1)",
            "create policy a on t for delete using (x = 1)",
            "create policy a on t as restrictive using (true)",
            "create policy a on t for select using (true and x = 1)",
            "create policy a on t for select using (tenant_id = (select tenantctl.current_tenant()))",
            "grant select on table public.t to authenticated",
            "revoke all on t from public, anon",
            "select tenantctl.protect('public.t'); select tenantctl.grant_to_applications('t', 'x')",
            "create table t (tenant_id uuid default tenantctl.current_tenant())",
            "create function f() returns int security definer set search_path = '' as $$ $$",
            "create view v with (security_invoker = true) as select 1",
            "create view a.v as select 1; alter view a.v set (security_invoker = on)",
            "create user mapping for x server y",
            "-- tenantctl.gate\nselect 'tenantctl.gate'",
        ] {
            assert_eq!(rules(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn tables_are_followed_through_the_files() {
        let open = |texts: &[&str]| {
            let scripts: Vec<_> = texts.iter().map(|text| Script::read(text).unwrap()).collect();
            let scripts: Vec<_> = scripts.iter().enumerate().collect();
            let shared = Shared { table: "public.s".to_owned(), because: String::new() };
            let found = open_tables(&scripts, &[shared]);
            found.into_iter().map(|(file, it)| (file, it.line, it.what)).collect::<Vec<_>>()
        };
        let notes = "select 1;\ncreate unlogged table if not exists notes (tenant_id uuid);";
        let forced = "row security is not forced on public.notes".to_owned();
        assert_eq!(open(&["", notes]), [(1, 2, forced.clone())]);
        let enabled = "alter table only public.notes enable row level security";
        assert_eq!(open(&[notes, enabled]), [(0, 2, forced)]);
        for closing in [
            "select tenantctl.protect('public.notes');",
            "select tenantctl.protect('notes', array['a']);",
            "alter table notes enable row level security, force row level security",
            "drop table notes",
        ] {
            assert_eq!(open(&[notes, closing]), [], "{closing}");
        }
        for fine in [
            "create temp table x (a int)",
            "create table s (a int)",
            "create table p1 partition of p for values in (1)",
            "create table x (a int); alter table x enable row level security",
        ] {
            assert_eq!(open(&[fine]), [], "{fine}");
        }
        assert_eq!(open(&["create table x as select 1"]).len(), 1);
    }
}
