//! An operator's own files in a project: they run as `postgres`, as `supabase db push` runs them, and
//! find what Supabase made.

use std::path::{Path, PathBuf};

use crate::project::operator;
use crate::support::Operator;
use crate::support::management::Fake;

/// The folder of `tests/data/field`, and a question about what it made.
const FOLDERS: [(&str, &str); 14] = [
    (
        "app",
        "SELECT count(*) = 6 AND max(version) = 20240430131658 \
           AND (SELECT count(*) = 3 FROM pg_policies WHERE schemaname IN ('public', 'storage')) \
           AND (SELECT count(*) = 1 FROM pg_trigger WHERE tgname = 'make_profile') AS t \
         FROM tenantctl.schema_history, pg_publication_tables WHERE tablename = 'profiles'",
    ),
    ("dump", "SELECT count(*) = 0 AS t FROM public.customers, public.orders"),
    ("mark", "SELECT indisvalid AS t FROM pg_index WHERE indexrelid = 'public.i'::regclass"),
    (
        "p1",
        "SELECT confrelid = 'auth.users'::regclass AS t FROM pg_constraint WHERE contype = 'f' AND conrelid = 'public.profiles'::regclass",
    ),
    ("p2", "SELECT count(*) = 1 AS t FROM pg_policies WHERE tablename = 'notes'"),
    ("p3", "SELECT count(*) = 0 AS t FROM public.items"),
    ("p4", "SELECT count(*) = 0 AS t FROM public.items"),
    ("p5", "SELECT count(*) = 1 AS t FROM pg_policies WHERE schemaname = 'storage'"),
    ("p6", "SELECT count(*) = 1 AS t FROM pg_trigger WHERE tgname = 'on_auth_user_created'"),
    ("p7", "SELECT count(*) = 1 AS t FROM pg_publication_tables WHERE tablename = 'msgs'"),
    ("p8", "SELECT has_table_privilege('anon', 'public.todos', 'SELECT') AS t"),
    (
        "p9",
        "SELECT extnamespace = 'extensions'::regnamespace AS t FROM pg_extension WHERE extname = 'pg_trgm'",
    ),
    ("p10", "SELECT has_table_privilege('authenticated', 'public.t', 'SELECT') AS t"),
    ("p10b", "SELECT count(*) = 0 AS t FROM public.more"),
];

fn field(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/field").join(folder)
}

/// Asks the one project there is for the tenant something that is true or not.
fn is_true(fake: &Fake, operator: &Operator, slug: &str, question: &str) -> bool {
    let reference: String = operator.plane().value(&format!(
        "SELECT project_ref FROM control_plane.tenant_metadata WHERE slug = '{slug}'"
    ));
    let rows = fake.inside(&reference, question);
    rows[0]["t"].as_bool().unwrap()
}

#[test]
fn what_relies_on_supabase_works_in_a_project_as_postgres() {
    let (fake, operator) = operator();
    for (folder, question) in FOLDERS {
        let slug = format!("f-{folder}");
        let path = field(folder);
        let line = format!("tenant create {slug} --name x");
        let files = [("TENANTCTL_MIGRATIONS_DIR", path.to_str().unwrap())];
        let _ran = operator.start(&line, &files).wait().success();
        assert!(is_true(&fake, &operator, &slug, question), "{folder}");
        let owners = "SELECT bool_and(tableowner = 'postgres') IS NOT FALSE AS t FROM pg_tables \
                      WHERE schemaname = 'public'";
        assert!(is_true(&fake, &operator, &slug, owners), "{folder}: owners");
        let ours = "SELECT bool_and(tableowner = 'tenantctl_owner') AS t FROM pg_tables \
                    WHERE schemaname = 'tenantctl'";
        assert!(is_true(&fake, &operator, &slug, ours), "{folder}: our own tables");
    }
}

#[test]
fn seeds_of_the_operators_own_run_as_the_migrations_do() {
    let (fake, operator) = operator();
    let seeds = operator.home().join("seeds/world");
    std::fs::create_dir_all(&seeds).unwrap();
    let text = "INSERT INTO auth.users VALUES (uuid_generate_v4(), 'a@b.c'); \
                INSERT INTO notes (user_id, body) SELECT id, email FROM auth.users;";
    std::fs::write(seeds.join("010.sql"), text).unwrap();
    let operator = operator
        .with("TENANTCTL_SEEDS_DIR", seeds.parent().unwrap())
        .with("TENANTCTL_MIGRATIONS_DIR", field("p2"));
    let _ran = operator.run("tenant create acme --name x --seed=world").success();
    let seen = "SELECT count(*) = 1 AS t FROM public.notes";
    assert!(is_true(&fake, &operator, "acme", seen));
}

#[test]
fn the_products_own_tables_stay_ours_and_closed_to_anon() {
    let (fake, operator) = operator();
    let _ran = operator.run("tenant create acme --name x --seed").success();
    let ours = "SELECT bool_and(tableowner = 'tenantctl_owner') AS t FROM pg_tables \
                WHERE schemaname = 'public'";
    assert!(is_true(&fake, &operator, "acme", ours));
    let open = "SELECT count(*) = 0 AS t FROM pg_tables WHERE schemaname = 'public' \
                AND has_table_privilege('anon', format('%I.%I', schemaname, tablename), 'SELECT')";
    assert!(is_true(&fake, &operator, "acme", open));
}

#[test]
fn a_repair_in_a_project_is_compared_with_a_tenant_that_was_created_with_the_file() {
    let (_fake, operator) = operator();
    let folder = operator.home().join("own");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("20240101120000_notes.sql");
    let text = "create table notes (body text);\nalter table notes enable row level security;\n";
    std::fs::write(&file, text).unwrap();
    let operator = operator.with("TENANTCTL_MIGRATIONS_DIR", &folder);
    let _ran = operator.run("tenant create acme --name x").success();
    std::fs::write(&file, format!("-- What people write down.\n{text}")).unwrap();
    let repair =
        "migrate repair --tenant acme --accept 20240101120000 --reason 'a comment' -o json";
    let ran = operator.run(repair).fails_with(5);
    let error = &ran.json()["results"][0]["error"];
    assert!(error["message"].as_str().unwrap().contains("cannot be compared"), "{ran}");
    assert!(error["hint"].as_str().unwrap().contains("create a tenant with these files"), "{ran}");
    let _ran = operator.run("tenant create globex --name x").success();
    let _ran = operator.run(repair).success();
    let _ran = operator.run("migrate status --verify").success();
}
