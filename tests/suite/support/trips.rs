//! A door in front of the tests' server that counts round trips: how often somebody who said something
//! was answered.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::server;

type Counts = Arc<Mutex<BTreeMap<String, Vec<usize>>>>;

/// The door; every session through it is on Unix sockets, without a password.
pub(crate) struct Door {
    directory: TempDir,
    counts: Counts,
}

impl Door {
    pub(crate) fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join(".s.PGSQL.5432")).unwrap();
        let counts = Counts::default();
        let counting = Arc::clone(&counts);
        // Both end with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let counts = Arc::clone(&counting);
                std::thread::spawn(move || pass(client.unwrap(), &counts));
            }
        });
        Self { directory, counts }
    }

    /// Returns a connection string for a database behind it.
    pub(crate) fn url(&self, database: &str) -> String {
        let directory = self.directory.path().display();
        format!("postgresql://operator@/{database}?host={directory}&port=5432")
    }

    /// Returns how many round trips each session in a database took, and forgets all sessions.
    pub(crate) fn trips(&self, databases: &[String]) -> Vec<Vec<usize>> {
        let mut counts = std::mem::take(&mut *self.counts.lock().unwrap());
        databases.iter().map(|database| counts.remove(database).unwrap_or_default()).collect()
    }
}

/// Passes on what two say to each other, and notes the round trips when both are done.
fn pass(mut client: UnixStream, counts: &Counts) {
    let mut behind = UnixStream::connect(server().socket().join(".s.PGSQL.5432")).unwrap();
    let is_asked = Arc::new(Mutex::new(false));
    let (mut answers, mut back) = (behind.try_clone().unwrap(), client.try_clone().unwrap());
    let answering = Arc::clone(&is_asked);
    let answerer = std::thread::spawn(move || {
        let mut trips = 0;
        relay(&mut answers, &mut back, |_| {
            trips += usize::from(std::mem::take(&mut *answering.lock().unwrap()));
        });
        trips
    });
    let mut database = None;
    relay(&mut client, &mut behind, |said| {
        *is_asked.lock().unwrap() = true;
        let text = String::from_utf8_lossy(said);
        let named = text.split('\0').skip_while(|word| *word != "database").nth(1);
        database = database.take().or(named.map(str::to_owned));
    });
    let trips = answerer.join().unwrap();
    counts.lock().unwrap().entry(database.unwrap_or_default()).or_default().push(trips);
}

fn relay(from: &mut UnixStream, to: &mut UnixStream, mut seen: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 65536];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        seen(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // The other side may have gone first.
    drop(to.shutdown(Shutdown::Both));
}
