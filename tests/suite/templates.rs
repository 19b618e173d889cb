//! Templates: what new tenants' databases are copied from, and that nobody can tell a copy from a
//! database that got its migrations one by one.

use crate::support::product::{NOTES, Product};
use crate::support::{PATIENCE, server, until};

/// Returns name and comment of the templates that a product's control plane made.
fn templates(product: &Product) -> Vec<(String, String)> {
    let id: String =
        product.operator.plane().value("SELECT control_plane_id::text FROM control_plane.identity");
    server().superuser("postgres").rows(&format!(
        "SELECT datname::text, shobj_description(oid, 'pg_database') FROM pg_database \
         WHERE datname LIKE 'tenantctl_template_%' AND datistemplate AND NOT datallowconn \
           AND shobj_description(oid, 'pg_database') LIKE '%{id}%' ORDER BY 1"
    ))
}

/// Returns the databases that are there while a template is made.
fn unfinished(product: &Product) -> Vec<String> {
    let id: String =
        product.operator.plane().value("SELECT control_plane_id::text FROM control_plane.identity");
    let rows: Vec<(String,)> = server().superuser("postgres").rows(&format!(
        "SELECT datname::text FROM pg_database WHERE datname LIKE 'tenant_clean_build_%' \
           AND shobj_description(oid, 'pg_database') LIKE '%{id}%'"
    ));
    rows.into_iter().map(|(name,)| name).collect()
}

/// Returns a product whose set of migrations is nobody else's, so that its template is its own.
fn product(more: &str) -> Product {
    let product = Product::new();
    product.add("V8__notes.sql", &format!("-- {}\n{NOTES}{more}", uuid::Uuid::new_v4()));
    product
}

#[test]
fn a_copy_is_like_a_database_that_was_migrated_and_one_template_serves_all() {
    let product = product("");
    product.create(&["acme", "globex"]);
    let made = templates(&product);
    assert_eq!(made.len(), 1, "{made:?}");
    assert!(unfinished(&product).is_empty());
    let ran = product.run("tenant create initech --name x -o json").success();
    assert!(ran.stdout().contains("copied from a template"), "{}", ran.stdout());
    assert!(ran.stdout().contains("came with the copy, at V8"), "{}", ran.stdout());
    let _ran = product.run("tenant create replayed --name x --no-migrate").success();
    let _ran = product.run("migrate apply --tenant replayed").success();
    assert_eq!(product.history("initech"), product.history("replayed"));
    // A control plane of its own has no clean build yet, and makes one of the migrations.
    product.operator.plane().run("DELETE FROM control_plane.clean_builds");
    let _ran = product.run("migrate status --verify").success();
    // Whose it is, is its own, and nobody's locks came along.
    let inside = "SELECT (SELECT tenant_id FROM tenantctl.identity) || ' ' || \
                  (SELECT string_agg(name, ',') FROM tenantctl.locks)";
    let id = product.operator.tenant("initech").id;
    assert_eq!(product.database("initech").ask(inside), format!("{id} migrate {id}"));
    product.operator.assert_sound();

    // It is no tenant's, and nobody makes it one's.
    let listed = product.run("tenant list").success();
    assert!(!listed.stdout().contains("template"), "{}", listed.stdout());
    let adopt = format!("tenant adopt taken --name x --database {}", made[0].0);
    let refused = product.run(&adopt);
    assert_ne!(refused.code(), 0, "{}", refused.stdout());
    assert_eq!(templates(&product), made);

    // What somebody did to it shows in the copy; nobody else gets one of it.
    let template = &made[0].0;
    let mut superuser = server().superuser("postgres");
    superuser.run(&format!("ALTER DATABASE {template} ALLOW_CONNECTIONS true"));
    server().superuser(template).run("DROP POLICY own_tenant ON public.notes");
    superuser.run(&format!("ALTER DATABASE {template} ALLOW_CONNECTIONS false"));
    let ran = product.run("tenant create hooli --name x").fails_with(8);
    assert!(
        ran.stderr().contains("policy own_tenant on public.notes is missing"),
        "{}",
        ran.stderr()
    );
    assert_eq!(templates(&product), []);
    let _ran = product.run("tenant delete hooli --purge --no-backup --confirm hooli").success();
    let _ran = product.run("tenant create hooli --name x").success();

    // When nobody stands at its schema any more, who makes another drops it.
    let before = templates(&product);
    product.add("V9__more.sql", "CREATE TABLE public.more (id int);");
    let _ran = product.run("tenant create piper --name x").success();
    assert!(templates(&product).contains(&before[0]), "tenants stand there");
    let _ran = product.run("migrate apply --all").success();
    product.add("V10__more.sql", "CREATE TABLE public.most (id int);");
    let _ran = product.run("tenant create raviga --name x").success();
    let left = templates(&product);
    assert!(left.len() == 2 && !left.contains(&before[0]), "{left:?}");
    product.operator.assert_sound();
}

#[test]
fn a_template_that_was_killed_while_it_was_made_is_made_by_the_next() {
    let product = product("SELECT pg_sleep(0.7);");
    let running = product.operator.start("tenant create acme --name x", &[]);
    until("the template to be made", PATIENCE, || {
        if unfinished(&product).is_empty() { Err("nothing there".to_owned()) } else { Ok(()) }
    });
    running.signal(rustix::process::Signal::KILL);
    let _ran = running.wait();
    assert_eq!(templates(&product), []);
    let ran = product.run("tenant create acme --name x").success();
    assert_eq!((templates(&product).len(), unfinished(&product).len()), (1, 0), "{}", ran.stdout());
    let _ran = product.run("migrate status --verify").success();

    // Somebody is in it: it cannot be copied, and the migrations do what it would have done.
    let template = &templates(&product)[0].0;
    let mut superuser = server().superuser("postgres");
    superuser.run(&format!("ALTER DATABASE {template} ALLOW_CONNECTIONS true"));
    let inside = server().superuser(template);
    superuser.run(&format!("ALTER DATABASE {template} ALLOW_CONNECTIONS false"));
    let ran = product.run("tenant create globex --name x -o json").success();
    assert!(!ran.stdout().contains("copied from a template"), "{}", ran.stdout());
    assert!(ran.stdout().contains("8 applied, now at V8"), "{}", ran.stdout());
    drop(inside);
    assert_eq!(product.history("globex"), product.history("acme"));
    product.operator.assert_sound();
}

#[test]
fn migrations_that_leave_rows_are_applied_to_each() {
    let product = product(
        "CREATE TABLE public.keys (secret uuid); INSERT INTO public.keys VALUES (gen_random_uuid());",
    );
    product.create(&["acme", "globex"]);
    let made = templates(&product);
    assert!(made.len() == 1 && made[0].1.contains("keys holds rows"), "{made:?}");
    let secret = |slug: &str| product.database(slug).ask("TABLE public.keys");
    assert_ne!(secret("acme"), secret("globex"));
    product.operator.assert_sound();
}
