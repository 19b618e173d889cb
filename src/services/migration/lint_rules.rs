//! The rules of `migrate lint`: which there are, which are on, and why.
//!
//! Tenants are migrated one after the other while their applications work. So what keeps a table's
//! users waiting, what the code before still needs, and what lets somebody past row security is
//! found; matters of taste are not.

/// A rule: its name, what it finds, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub name: &'static str,
    pub finds: &'static str,
    /// Empty where each finding has its own.
    pub remedy: &'static str,
}

const fn rule(name: &'static str, finds: &'static str, remedy: &'static str) -> Rule {
    Rule { name, finds, remedy }
}

/// What `migrate apply` refuses before anything is contacted; no waiver helps.
pub(crate) const REFUSALS: &[Rule] = &[
    rule(
        "unreadable",
        "a text that is no UTF-8, or no SQL: a quote without end, psql's commands",
        "",
    ),
    rule("transaction-control", "BEGIN, COMMIT, ROLLBACK, SAVEPOINT, a READ ONLY transaction", ""),
    rule("own-file", "what needs to be outside a transaction, and is not alone in its file", ""),
    rule("copy", "COPY to stdout, or with a file or a program of the server", ""),
    rule("session-lock", "what gives back the lock that keeps two migrations apart", ""),
    rule("enum-value", "a new value of an enum that is used where it is added", ""),
    rule("shared", "`-- tenantctl: shared` without a table or a reason", ""),
];

/// What only we know: how a tenant's database is kept apart.
pub(crate) const TENANTS: &[Rule] = &[
    rule("row-security", "a table without row security, or with a tenant_id and not forced", ""),
    rule("row-security-off", "row security that is switched off, or forced no more", ""),
    rule("trigger-off", "a trigger that is switched off, which may guard something", ""),
    rule("policy-check", "a policy for writing without WITH CHECK", ""),
    rule("policy-true", "a policy that lets every row through", ""),
    rule("grant-anon", "a grant to anon or to PUBLIC", ""),
    rule("tenantctl-schema", "a change of our schema `tenantctl`, or its tables used", ""),
    rule("security-definer", "a SECURITY DEFINER function with its caller's search_path", ""),
    rule("view-rights", "a view without security_invoker: it reads with its owner's rights", ""),
    rule("server-wide", "roles, databases, settings of the server: what all tenants share", ""),
    rule("syntax", "what the grammar of Postgres 18 does not know", ""),
    rule("waiver", "a waiver without a reason, of no rule, or that waives nothing", ""),
];

const CONCURRENT: &str =
    "say CONCURRENTLY, in a file of its own that begins with `-- tenantctl: no-transaction`";
const NOT_VALID: &str = "add it NOT VALID here, and VALIDATE CONSTRAINT in a later file";
const EXPAND: &str = "while tenants are migrated, code of before and after runs: let both do without it, \
     then do this and waive the rule with the reason why nobody needs it";

/// squawk's rules that are on.
pub(crate) const CHANGES: &[Rule] = &[
    rule(
        "require-concurrent-index-creation",
        "an index whose building keeps writers out",
        CONCURRENT,
    ),
    rule("require-concurrent-reindex", "a REINDEX that keeps writers out", CONCURRENT),
    rule("require-concurrent-partition-detach", "a partition detached under a lock", CONCURRENT),
    rule("constraint-missing-not-valid", "a constraint that is checked under a lock", NOT_VALID),
    rule("adding-foreign-key-constraint", "a foreign key checked under two locks", NOT_VALID),
    rule(
        "disallowed-unique-constraint",
        "a unique constraint whose index is built under a lock",
        "build a unique index CONCURRENTLY in a file before, then ADD CONSTRAINT … USING INDEX",
    ),
    rule(
        "adding-serial-primary-key-field",
        "a primary key whose index is built under a lock",
        "build a unique index CONCURRENTLY in a file before, then ADD PRIMARY KEY USING INDEX",
    ),
    rule(
        "adding-field-with-default",
        "a column with a volatile default: the table is rewritten",
        "add the column without it, SET DEFAULT, and fill the rows in a later file",
    ),
    rule(
        "adding-required-field",
        "a column that is required and has no default: it fails where there are rows",
        "give it a default, or let it be NULL until it is filled",
    ),
    rule(
        "adding-not-nullable-field",
        "SET NOT NULL: the table is read under a lock",
        "ADD CHECK (… IS NOT NULL) NOT VALID, validate it in a later file, then SET NOT NULL",
    ),
    rule(
        "changing-column-type",
        "a column's type changed: the table is rewritten",
        "add a column, fill it, move over to it, and drop the old one in a later file",
    ),
    rule(
        "ban-alter-domain-with-add-constraint",
        "a domain's constraint, checked in every table that uses it",
        "write it as a constraint of the tables, NOT VALID",
    ),
    rule(
        "prefer-robust-stmts",
        "outside a transaction, what cannot run twice",
        "write IF [NOT] EXISTS: a run that was killed runs the file again",
    ),
    rule(
        "ban-truncate-cascade",
        "tables emptied that are not named",
        "name all tables that are meant",
    ),
    rule("identifier-too-long", "a name that the server cuts to 63 bytes", "shorten it"),
    rule("ban-duplicate-column-assignments", "a column set twice", "set it once"),
    rule("prefer-timestamp-tz", "an instant without its time zone", "write timestamptz"),
    rule("ban-drop-column", "a column that code of before may read", EXPAND),
    rule("ban-drop-table", "a table that code of before may read", EXPAND),
    rule("ban-drop-view", "a view that code of before may read", EXPAND),
    rule("ban-drop-function", "a function that code of before may call", EXPAND),
    rule("ban-drop-type", "a type that code of before may use", EXPAND),
    rule("ban-drop-domain", "a domain that code of before may use", EXPAND),
    rule("ban-drop-sequence", "a sequence that code of before may use", EXPAND),
    rule("ban-drop-schema", "a schema that code of before may use", EXPAND),
    rule("ban-drop-extension", "an extension that code of before may use", EXPAND),
    rule("ban-drop-default", "a default that code of before relies on", EXPAND),
    rule("renaming-column", "a column that code of before knows by its name", EXPAND),
    rule("renaming-table", "a table that code of before knows by its name", EXPAND),
    rule("renaming-object", "something else that code of before knows by its name", EXPAND),
    rule("ban-set-schema", "something moved from where code of before looks for it", EXPAND),
    rule(
        "ban-drop-policy",
        "a policy that is dropped and not made anew",
        "ALTER POLICY, or make one of the same name in this file",
    ),
];

/// squawk's rules that are off, and why.
pub(crate) const OFF: &[(&str, &[&str])] = &[
    (
        "tenantctl sets both timeouts for every file, and puts the session back after it",
        &["require-timeout-settings", "require-lock-timeout", "require-statement-timeout"],
    ),
    (
        "refused anyway: transaction-control, own-file",
        &[
            "transaction-nesting",
            "ban-uncommitted-transaction",
            "ban-concurrent-index-creation-in-transaction",
        ],
    ),
    (
        "found by server-wide, row-security-off and trigger-off",
        &[
            "ban-disable-trigger",
            "ban-drop-database",
            "ban-alter-role-options",
            "ban-alter-database-options",
            "ban-alter-system-options",
            "ban-alter-row-level-security",
        ],
    ),
    (
        "matters of taste: no tenant waits for them",
        &[
            "prefer-bigint-over-int",
            "prefer-bigint-over-smallint",
            "prefer-identity",
            "prefer-text-field",
            "ban-char-field",
            "require-table-schema",
            "require-enum-value-ordering",
            "ban-create-domain-with-constraint",
        ],
    ),
    ("what it wants begins with Postgres 19", &["prefer-repack"]),
    (
        "a drop is short, and the wait for its lock is bounded",
        &["require-concurrent-index-deletion"],
    ),
    ("squawk's own waivers are not read", &["unused-ignore"]),
    (
        "what migrations are for; code of before goes on with it",
        &[
            "ban-drop-not-null",
            "ban-drop-constraint",
            "ban-drop-trigger",
            "ban-drop-index",
            "ban-drop-generated-expression",
            "ban-alter-generated-expression",
            "ban-alter-identity",
            "ban-set-default",
            "ban-replica-identity",
            "ban-revoke",
            "ban-replace-view-function",
            "ban-alter-policy-condition",
            "ban-alter-policy-roles",
            "ban-create-policy",
            "ban-alter-function-options",
            "ban-alter-view-options",
            "ban-new-write-restriction",
            "ban-add-enum-value",
            "ban-add-composite-attribute",
            "ban-add-column",
            "ban-detach-inheritance",
            "ban-alter-sequence-values",
            "ban-alter-extension",
        ],
    ),
];

/// Returns a rule of squawk's that is on.
pub(super) fn find_change(name: &str) -> Option<&'static Rule> {
    CHANGES.iter().find(|rule| rule.name == name)
}

/// Returns whether a rule may be waived, where there is one of this name.
pub(super) fn is_waivable(name: &str) -> Option<bool> {
    let is_in = |rules: &[Rule]| rules.iter().any(|rule| rule.name == name);
    if is_in(REFUSALS) || name == "waiver" {
        return Some(false);
    }
    (is_in(TENANTS) || is_in(CHANGES)).then_some(true)
}

/// Returns the names of the rules that may be waived.
pub(super) fn waivable() -> impl Iterator<Item = &'static str> {
    let names = TENANTS.iter().chain(CHANGES).map(|rule| rule.name);
    names.filter(|name| is_waivable(name) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_squawks_is_on_or_off() {
        let mut known: Vec<_> = CHANGES.iter().map(|rule| rule.name.to_owned()).collect();
        known.extend(OFF.iter().flat_map(|(_, names)| *names).map(|name| (*name).to_owned()));
        known.sort();
        let mut there: Vec<_> =
            enum_iterator::all::<squawk_linter::Rule>().map(|rule| rule.to_string()).collect();
        there.sort();
        assert_eq!(known, there);
    }
}
