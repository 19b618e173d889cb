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

use std::convert::Infallible;
use std::path::PathBuf;
use std::process::ExitCode;

#[path = "../tests/suite/support/management/mod.rs"]
#[expect(dead_code, reason = "the tests reach for more of it than a server by hand does")]
mod management;

const USAGE: &str = "\
Serves a Management API with real databases behind it, until it is stopped.

Usage: management-api [--port PORT] [--postgres-bin FOLDER]

  --port PORT            where it listens; without one, or with 0, where there is room
  --postgres-bin FOLDER  where initdb and postgres are; else /usr/lib/postgresql and the PATH

It misbehaves when it is told to:
  POST   /_fake/faults    one thing to do wrong: {\"on\": \"POST /v1/projects\", \"do\": …}
           do     status (with \"status\": 503, \"message\": …), answer (with \"body\": …),
                  lost, slow (with \"ms\": 5000)
           acts   whether what was asked for is done all the same (false)
           times  how often (1); 0 is for ever
  DELETE /_fake/faults    nothing any more
  PATCH  /_fake/settings  any of Settings in tests/suite/support/management/state.rs, as {\"coming_up_ms\": 5000}";

fn main() -> ExitCode {
    match serve() {
        Ok(never) => match never {},
        Err(Ended::Asked) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Err(Ended::Wrong(why)) => {
            eprintln!("error: {why}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Why it does not serve.
enum Ended {
    /// It was asked how it is used.
    Asked,
    /// What is wrong with its arguments or this machine.
    Wrong(String),
}

fn serve() -> Result<Infallible, Ended> {
    let mut arguments = std::env::args().skip(1);
    let (mut port, mut programs) = (0, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--help" | "-h" => return Err(Ended::Asked),
            "--port" => {
                let given = arguments.next().and_then(|text| text.parse().ok());
                port = given.ok_or_else(|| Ended::Wrong("--port takes a number".to_owned()))?;
            }
            "--postgres-bin" => programs = arguments.next().map(PathBuf::from),
            other => return Err(Ended::Wrong(format!("`{other}` is not known"))),
        }
    }
    let programs = programs.or_else(search).ok_or_else(|| {
        Ended::Wrong("there is no initdb: name its folder with --postgres-bin".to_owned())
    })?;
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
