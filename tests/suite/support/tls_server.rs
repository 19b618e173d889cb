//! The tests' server behind an address that speaks TLS, with a certificate of an authority of its
//! own.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use super::management::{tls, wire};
use super::server;

/// The address; it is served until the process ends.
pub(crate) struct TlsServer {
    pub(crate) port: u16,
    /// The certificate of its authority, in PEM.
    pub(crate) authority: String,
}

impl TlsServer {
    /// Serves an address of 127.0.0.1, with a certificate for the addresses of a network.
    pub(crate) fn start(network: &str) -> Self {
        let (authority, acceptor) = tls::certify(network);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let socket: PathBuf = server().socket().join(".s.PGSQL.5432");
        thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let behind = socket.clone();
                let route: wire::Route = Arc::new(move |user| {
                    let (reference, user) = (String::new(), user.to_owned());
                    Ok(wire::Passage { reference, user, socket: behind.clone() })
                });
                wire::serve(listener, socket, Some(acceptor), route).await;
            });
        });
        Self { port, authority }
    }
}
