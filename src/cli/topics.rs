//! The manual's pages that belong to no single command: `tenantctl help TOPIC`.
//!
//! The tables in some of them are of other rooms; `commands` puts them in.

/// The topics, each with what it is about.
pub(crate) const TOPICS: &[(&str, &str)] = &[
    ("environment", "Every setting by its variable"),
    ("config", "Config files and profiles"),
    ("selectors", "How tenants are named and chosen"),
    ("output", "Shapes of the result, and what goes to stderr"),
    ("options", "The options that every command takes"),
    ("lint", "The rules of `migrate lint`, and how one is waived"),
    ("exit-codes", "What each exit code promises to a script"),
];

/// Before the table of variables.
pub(crate) const ENVIRONMENT: &str = "\
A flag wins over a variable, that over a config file, that over the default.
An empty variable counts as not set; an unknown TENANTCTL_… is a warning.
Where VARIABLE_FILE is listed, it names a file with the value: ours or root's,
not writable by others; links are followed, as Kubernetes mounts secrets.
`tenantctl config show --origin` shows what is in force.
";

/// After it.
pub(crate) const OTHER_VARIABLES: &str = "\
Also read: HOME, XDG_CONFIG_HOME, XDG_DATA_HOME and PATH (where files and
programs are looked for), USER, LOGNAME (the default actor), NO_COLOR, TERM and
COLUMNS (how a terminal is written to), GITHUB_STEP_SUMMARY (the file of a CI
step's summary), GITHUB_ACTIONS (annotations by `migrate lint`). libpq's variables
(PGHOST, PGPASSWORD, PGOPTIONS …) are not read.
";

/// Before the list of keys.
pub(crate) const CONFIG: &str = "\
Config files, the nearest first; each setting is taken from the first that has
it, and a profile's table comes before the top of the same file:

  ./tenantctl.toml
  $XDG_CONFIG_HOME/tenantctl/tenantctl.toml   (else ~/.config/tenantctl/…)

`--config FILE` names another one, instead of both. `tenantctl config path` shows
which of them are there, `tenantctl config init` writes one to start from.

  # tenantctl.toml; with a password in it, chmod 600
  placement = \"database\"

  [profiles.production]
  control_plane_url_file = \"/etc/tenantctl/control-plane-url\"
  secret_key_file = \"/etc/tenantctl/secret-key\"
  protected = true

`--profile NAME` or TENANTCTL_PROFILE chooses a profile; `tenantctl profile list`
shows them. A `protected` one asks before every write and wants `--actor`. With
no control plane set, the private local Postgres is used where there is one; what
writes says so: `local · 127.0.0.1:…/control_plane`.

Tokens and keys never stand in a config file, only in a file of their own or in a
variable. Keys of a config file:
";

/// The whole topic.
pub(crate) const SELECTORS: &str = "\
A tenant is named by its slug (`acme`) or its id (a UUID), on the command line as
well as in a file.

Commands that work on several tenants take these options, together or alone:

  --tenant SLUG,…    these; one that does not exist is exit code 4, before
                     anything is touched
  --label K=V        those with this label; repeated: with all of them
  --status STATUS    those in this status
  --all              every tenant
  --from-file FILE   those in a file, one on each line, `#` begins a comment;
                     `-` is stdin
  --exclude SLUG,…   leave these out; one that does not exist is exit code 4
  --allow-empty      that nobody has the label or the status is no error, instead
                     of exit code 4; `--all` may always be empty

A write without any of them is refused (exit code 2); what only reads takes all
tenants then.

`migrate apply`, `seed apply` and `query` skip tenants that are locked,
quarantined, deleted or still being created; the summary names them by reason.
One that was named (--tenant, --from-file) must not be skipped, and with
--fail-on-skipped none: exit code 9 where others were done, 5 where nothing else
was. `lockdown`, `unlock` and `session revoke` skip nobody.

  tenantctl migrate apply --label tier=gold --exclude acme --dry-run
  tenantctl tenant list -o json | jq -r '.tenants[].slug' |
    tenantctl seed apply --from-file -
";

/// The whole topic.
pub(crate) const OUTPUT: &str = "\
stdout carries the result and nothing else; progress, hints, warnings and errors
go to stderr.

  -o table     for people: columns as wide as the terminal, colour unless NO_COLOR
               is set; in a pipe nothing is cut or coloured
  -o json      one document
  -o ndjson    a line for each item of a list, and events on stderr while it runs

Every JSON document has `format_version` at its top; it changes when a field is
renamed or taken away, not when one is added. A list stands under its plural noun,
a single thing under its singular. Instants are RFC 3339 in UTC, durations are
integers of milliseconds in fields that end in `_ms`.

An error is one object on stderr, with the exit code (tenantctl help exit-codes):

  {\"error\":{\"kind\",\"message\",\"causes\":[],\"hint\",\"retryable\"}}

A command that reports and then ends with 9, 10, 11 or 12 has its report on stdout
and no error object. Secrets are masked everywhere, but for `--reveal`.

Commands over tenants take `--junit FILE`: JUnit XML with a test case for each
tenant. Where GITHUB_STEP_SUMMARY names a file, as in GitHub Actions, they append
a table to it as well. A FILE that cannot be written is found before anything is
done (exit code 2), and emptied then.

  -q           the result and errors only
  -v           also where each setting came from, and where a read looks
  -vv          also each SQL statement and each HTTP request, without its values
";

/// Before the options.
pub(crate) const OPTIONS: &str = "\
Options that every command takes, before or after its name:
";

/// Before the rules.
pub(crate) const LINT: &str = "\
`tenantctl migrate lint` judges files and contacts nothing. Whatever it finds is
exit code 10. A line of the file waives one rule in it, with a reason:

  -- tenantctl: allow ban-drop-column because V12 stopped reading it

A waiver without a reason, of a rule there is not, or that waives nothing is
found as well. A table that everybody may read needs no waiver but this line:

  -- tenantctl: shared public.currencies because ISO 4217 is everybody's

It does not see data and the size of tables, what a DO block or a function does,
and what else runs meanwhile; `migrate apply` judges row security in a clean
build.
";
