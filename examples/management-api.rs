//! Serves a Management API of our own by hand: `cargo run --example management-api -- --port 0`.
//!
//! It prints its address, and what to set so that tenantctl and the `supabase` client use it. Tell
//! it to misbehave with, for example,
//! `curl -X POST URL/_fake/faults -d '{"on":"POST /v1/projects","do":"lost","acts":true}'`.
#![expect(
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool for developers, made of what the tests use"
)]

use std::path::PathBuf;

#[path = "../tests/suite/support/management/mod.rs"]
#[expect(dead_code, reason = "the tests reach for more of it than a server by hand does")]
mod management;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut port, mut programs) = (0, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--port" => port = arguments.next().and_then(|text| text.parse().ok()).unwrap(),
            "--postgres-bin" => programs = arguments.next().map(PathBuf::from),
            other => panic!("{other}: known are --port PORT and --postgres-bin FOLDER"),
        }
    }
    let programs = programs.or_else(search).unwrap_or_else(|| {
        panic!("no initdb on the PATH or under /usr/lib/postgresql: name its folder with --postgres-bin")
    });
    let fake = management::Fake::start(&programs, port);
    println!("export TENANTCTL_MANAGEMENT_API_URL={}", fake.url());
    println!("export SUPABASE_ACCESS_TOKEN={}", management::TOKEN);
    println!("export TENANTCTL_ORGANIZATION={}", management::ORGANIZATION);
    println!("export TENANTCTL_PLACEMENT=project");
    eprintln!("ready: set what is printed above, for example with `. ./fake.env`");
    loop {
        std::thread::park();
    }
}

fn search() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a tool of its own, not a setting")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&path));
    folders.into_iter().find(|folder| folder.join("initdb").exists())
}
