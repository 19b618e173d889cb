//! A server that fails in the middle: what was begun is ended by the same command, and nothing is
//! left over.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::dice::Dice;
use crate::support::preload::{self, DISK_IS_FULL};
use crate::support::product::{NOTES, Product, wait_for_the_table};
use crate::support::{Operator, PATIENCE, Server, server, until};

const CREATE: &str = "tenant create acme --name Acme --no-migrate";

/// Whether the server gets the message before the connection is lost.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Before,
    After,
}

/// Stands before the server until so many messages went through, cuts the next one off, and is away
/// from then on. Returns its port and how many messages it has seen.
fn cut_off(messages: usize, cut: Cut) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let counted = Arc::clone(&counted);
            thread::spawn(move || drop(pass_on(client, messages, cut, &counted)));
        }
    });
    (port, seen)
}

fn pass_on(client: TcpStream, messages: usize, cut: Cut, seen: &AtomicUsize) -> io::Result<()> {
    let backend = UnixStream::connect(server().socket().join(".s.PGSQL.5432"))?;
    let _result = relay(client, &backend, messages, cut, seen);
    // However the client went, a reset included, the server sees its end: it carries out what it
    // was sent, and ends.
    backend.shutdown(Shutdown::Write)
}

fn relay(
    mut client: TcpStream,
    mut backend: &UnixStream,
    messages: usize,
    cut: Cut,
    seen: &AtomicUsize,
) -> io::Result<()> {
    let (mut answers, mut to_client) = (backend.try_clone()?, client.try_clone()?);
    let mut bytes = [0; 8192];
    // Up to the question for TLS, which is answered here: there is none.
    let length = client.read(&mut bytes)?;
    if length == 8 {
        client.write_all(b"N")?;
    } else {
        backend.write_all(&bytes[..length])?;
    }
    thread::spawn(move || drop(io::copy(&mut answers, &mut to_client)));
    loop {
        let length = client.read(&mut bytes)?;
        if length == 0 || seen.load(Ordering::SeqCst) > messages {
            return Ok(());
        }
        let is_last = seen.fetch_add(1, Ordering::SeqCst) == messages;
        if is_last {
            client.shutdown(Shutdown::Both)?;
        }
        if !is_last || matches!(cut, Cut::After) {
            backend.write_all(&bytes[..length])?;
        }
        if is_last {
            return Ok(());
        }
    }
}

/// One message in so many is lost; which ones, the dice decide.
const STRIDE: usize = 6;

/// Runs `line` with the control plane lost at one message, at a later one, and so on until it comes
/// through; after each the same command has to succeed.
fn survives_the_loss(operator: Operator, line: &str, undo: &str) {
    let direct = server().url("operator", operator.plane_name());
    let plane = operator.plane_name().to_owned();
    let mut operator = operator.with("TENANTCTL_CLUSTER_URL", &direct);
    let mut dice = Dice::from_environment();
    eprintln!("seed {}", dice.seed());
    for cut in [Cut::Before, Cut::After] {
        for messages in (dice.below(STRIDE)..).step_by(STRIDE) {
            let (port, seen) = cut_off(messages, cut);
            let url = format!("postgresql://operator@127.0.0.1:{port}/{plane}");
            operator = operator.with("TENANTCTL_CONTROL_PLANE_URL", url);
            let ran = operator.run(line);
            operator = operator.with("TENANTCTL_CONTROL_PLANE_URL", &direct);
            let is_through = seen.load(Ordering::SeqCst) <= messages;
            if is_through {
                let _ran = ran.success();
                assert!(messages > 2 * STRIDE, "{line} sends {messages} messages");
            } else {
                // What is lost behind the end of the work does not change its end.
                assert!([0, 7, 8].contains(&ran.code()), "{cut:?} message {messages}: {ran}");
                let _ran = operator.run(line).success();
                operator.assert_sound();
            }
            let _ran = operator.run(undo).success();
            if is_through {
                break;
            }
        }
    }
}

#[test]
fn a_create_that_loses_the_control_plane_anywhere_is_ended_by_the_same_command() {
    let purge = "tenant delete acme --purge --no-backup --confirm acme";
    survives_the_loss(Operator::new(), CREATE, purge);
}

#[test]
fn a_delete_that_loses_the_control_plane_anywhere_is_ended_by_the_same_command() {
    let operator = Operator::new();
    let _ran = operator.run(CREATE).success();
    survives_the_loss(operator, "tenant delete acme --confirm acme", "tenant restore acme");
}

#[test]
fn a_session_in_a_template_keeps_no_tenant_from_being_made() {
    let _busy = server().superuser("template1");
    let operator = Operator::new();
    let _ran = operator.run(CREATE).success();
    operator.assert_sound();
}

/// An operator whose control plane and cluster are a server of the test's own.
fn operator_of(server: &Server) -> Operator {
    server.superuser("postgres").run("CREATE DATABASE cp OWNER operator TEMPLATE template0");
    let url = server.url("operator", "cp");
    let operator = Operator::unconfigured().with("TENANTCTL_CONTROL_PLANE_URL", url);
    let _ran = operator.run("init").success();
    operator
}

fn databases(server: &Server) -> i64 {
    server
        .superuser("postgres")
        .value("SELECT count(*) FROM pg_database WHERE datname LIKE 'tenant\\_%'")
}

#[test]
fn a_server_that_crashes_while_it_makes_a_database_makes_one() {
    let server = Server::alone();
    let operator = operator_of(&server);
    for round in 0..3 {
        let line = format!("tenant create round-{round} --name Acme --no-migrate");
        let mut watcher = server.superuser("postgres");
        let running = operator.start(&line, &[]);
        let backend: i32 = until("CREATE DATABASE to be at work", PATIENCE, || {
            let found: Vec<(i32,)> = watcher.rows(
                "SELECT pid FROM pg_stat_activity \
                 WHERE query LIKE 'CREATE DATABASE%' AND state = 'active'",
            );
            found.first().map(|(pid,)| *pid).ok_or_else(|| "nobody makes one".to_owned())
        });
        kill_process(Pid::from_raw(backend).unwrap(), Signal::KILL).unwrap();
        let broken = running.wait();
        assert!([0, 7, 8].contains(&broken.code()), "{broken}");
        until("the server to be back", PATIENCE, || server.login("operator", None, "cp").map(drop));
        let _ran = operator.run(&line).success();
        assert_eq!(databases(&server), round + 1);
    }
    let _ran = operator.run("audit verify").success();
}

/// Tables cannot grow any more: what is made fails with the server's own reason, what is dropped is
/// dropped, and with room again the same command goes on.
#[test]
fn a_full_disk_is_named_and_with_room_again_the_command_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let full = folder.path().join("full");
    let variables =
        [("LD_PRELOAD", preload::library().as_os_str()), (DISK_IS_FULL, full.as_os_str())];
    // The server's user has to see the file.
    let public = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), public).unwrap();
    let server = Server::alone_with(&variables);
    let operator = operator_of(&server);
    let _ran = operator.run("tenant create there --name There --no-migrate").success();
    fs::write(&full, "").unwrap();
    let line = "-o json tenant create acme --name Acme --seed";
    let error = operator.run(line).fails_with(8).error();
    assert!(error.to_string().contains("No space left on device"), "{error}");
    fs::remove_file(&full).unwrap();
    let _ran = operator.run(line).success();
    fs::write(&full, "").unwrap();
    let purged = operator.run("tenant delete there --purge --no-backup --confirm there");
    assert!([0, 7, 8].contains(&purged.code()), "{purged}");
    fs::remove_file(&full).unwrap();
    let _ran = operator.run("tenant delete there --purge --no-backup --confirm there").success();
    assert_eq!(databases(&server), 1);
    let _ran = operator.run("audit verify").success();
}

#[test]
fn a_migration_whose_session_is_ended_leaves_its_tenant_whole() {
    let product = Product::new();
    product.create(&["acme"]);
    product.add("V8__notes.sql", NOTES);
    let mut holder = product.database("acme");
    holder.run("BEGIN; LOCK TABLE public.vendors IN ACCESS SHARE MODE");
    let running = product.operator.start("migrate apply --tenant acme", &[]);
    wait_for_the_table(&mut product.database("acme"));
    let ended = "SELECT bool_and(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE application_name LIKE 'tenantctl/migrate%' AND datname = current_database()";
    assert!(product.database("acme").value::<bool>(ended));
    let broken = running.wait();
    assert!([0, 7, 8].contains(&broken.code()), "{broken}");
    holder.run("ROLLBACK");
    let _ran = product.run("migrate apply --tenant acme").success();
    assert_eq!(product.history("acme"), "1,2,3,4,5,6,7,8");
    product.operator.assert_sound();
}

#[test]
fn a_control_plane_that_takes_no_writes_changes_nothing() {
    let operator = Operator::new();
    let _ran = operator.run("tenant create there --name There --no-migrate").success();
    let mut superuser = server().superuser("postgres");
    let plane = operator.plane_name();
    superuser.run(&format!("ALTER DATABASE {plane} SET default_transaction_read_only = on"));
    for line in [CREATE, "tenant delete there --confirm there", "lockdown there --reason drill"] {
        let error = operator.run(&format!("-o json {line}")).fails_with(7).error();
        assert!(error.to_string().contains("read-only"), "{line}: {error}");
    }
    let _ran = operator.run("tenant list").success();
    superuser.run(&format!("ALTER DATABASE {plane} RESET default_transaction_read_only"));
    assert_eq!(operator.tenants("acme"), []);
    assert_eq!(operator.tenant("there").status, "active");
    operator.assert_sound();
}

/// A smart shutdown lets sessions finish and takes no new ones (57P03).
#[test]
fn a_server_that_shuts_down_is_unavailable() {
    let server = Server::alone();
    let operator = operator_of(&server);
    let mut session = server.operator("cp");
    let postmaster = Pid::from_raw(server.pid()).unwrap();
    kill_process(postmaster, Signal::TERM).unwrap();
    until("the server to refuse", PATIENCE, || match server.login("operator", None, "cp") {
        Ok(_) => Err("it lets in".to_owned()),
        Err(_) => Ok(()),
    });
    let error = operator.run("-o json --timeout 2s tenant list").fails_with(7).error();
    assert_eq!(error["retryable"], true, "{error}");
    assert!(session.is_alive());
}
