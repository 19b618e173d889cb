//! Locks that cannot be taken: the refusal names the lock, the server and who holds it or what
//! stands before it, with the setting of that server in the hint.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;

use uuid::Uuid;

use crate::project;
use crate::support::{Operator, server};

const SSL_REQUEST: u32 = 80_877_103;
const TAKES_A_LOCK: &[u8] = b"pg_try_advisory_lock($1)";
/// As long, and as true; the next statement sees no lock.
const TAKES_NONE: &[u8] = b"$1::bigint IS NOT NULL  ";

/// Starts what a pooler in transaction mode amounts to for an advisory lock: the server grants it,
/// and the session that runs the next statement does not have it. Returns its port.
fn pooler() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || drop(session(client)));
        }
    });
    port
}

fn session(mut client: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut start = message(&mut client)?;
    while start[4..8] == SSL_REQUEST.to_be_bytes() {
        client.write_all(b"N")?;
        start = message(&mut client)?;
    }
    let mut backend = UnixStream::connect(server().socket().join(".s.PGSQL.5432"))?;
    backend.write_all(&start)?;
    let (mut answers, mut to_client) = (backend.try_clone()?, client.try_clone()?);
    thread::spawn(move || drop(io::copy(&mut answers, &mut to_client)));
    loop {
        let mut kind = [0; 1];
        client.read_exact(&mut kind)?;
        let mut sent = message(&mut client)?;
        if let Some(at) = sent.windows(TAKES_A_LOCK.len()).position(|part| part == TAKES_A_LOCK) {
            sent[at..at + TAKES_NONE.len()].copy_from_slice(TAKES_NONE);
        }
        backend.write_all(&[&kind, sent.as_slice()].concat())?;
    }
}

/// Reads a message from its length on.
fn message(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let mut message = length.to_vec();
    message.resize(usize::try_from(u32::from_be_bytes(length)).unwrap(), 0);
    client.read_exact(&mut message[4..])?;
    Ok(message)
}

fn through_the_pooler(database: &str) -> String {
    format!("postgresql://operator@127.0.0.1:{}/{database}", pooler())
}

/// Asserts that a command fails for the pooler before one server, and which setting it advises.
fn assert_pooled(operator: &Operator, line: &str, code: i32, lock: &str, setting: &str) {
    let error = operator.run(&format!("{line} -o json")).fails_with(code).error();
    let text = error.to_string();
    assert!(text.contains(&format!("lock {lock}: a pooler in transaction mode")), "{text}");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains(&format!("set {setting} to the server itself")), "{hint}");
}

#[test]
fn a_pooler_before_the_control_plane_is_the_control_planes() {
    let pooled = |operator: Operator| {
        let direct = server().url("operator", operator.plane_name());
        let url = through_the_pooler(operator.plane_name());
        operator.with("TENANTCTL_CLUSTER_URL", direct).with("TENANTCTL_CONTROL_PLANE_URL", url)
    };
    let setting = "TENANTCTL_CONTROL_PLANE_URL";
    let operator = pooled(Operator::before_init());
    assert_pooled(&operator, "init", 3, "the migrations on the control plane", setting);
    let operator = pooled(Operator::new());
    let line = "tenant create acme --name Acme";
    assert_pooled(&operator, line, 3, "tenant `acme` on the control plane", setting);
    let (fake, operator) = project::operator();
    let _ran = operator.run(line).success();
    let reference = fake.projects()[0].0.clone();
    let line = "migrate status --tenant acme --verify -o json";
    let status = pooled(operator).run(line).fails_with(10).json();
    let detail = status["results"][0]["detail"].to_string();
    let start = format!("lock the login of project {reference} on the control plane: a pooler");
    assert!(detail.contains(&start), "{detail}");
}

#[test]
fn a_pooler_before_the_cluster_is_the_clusters() {
    let operator = Operator::new();
    let url = through_the_pooler(operator.plane_name());
    let operator = operator.with("TENANTCTL_CLUSTER_URL", url);
    let line = "tenant create acme --name Acme";
    let lock = "the tenant's database on the cluster";
    assert_pooled(&operator, line, 8, lock, "TENANTCTL_CLUSTER_URL");
}

#[test]
fn another_init_is_named_as_the_control_planes() {
    let operator = Operator::new();
    let mut other = operator.plane();
    other.run("SET application_name = 'tenantctl/init elsewhere:17'");
    other.hold("control_plane.locks", &format!("init {}", Uuid::nil()));
    let error = operator.run("init --timeout 3s -o json").fails_with(5).error();
    let text = error["message"].as_str().unwrap();
    let start = "lock the migrations on the control plane: tenantctl/init elsewhere:17 (";
    assert!(text.contains(start), "{text}");
    assert!(error["hint"].to_string().contains("--timeout"), "{error}");
}
