//! Where the server listens: a free port, and a directory for its socket.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use aws_lc_rs::rand;

use super::account::Account;
use super::error::LocalError;
use super::files;
use super::layout::Layout;

/// Returns a port that is free now, where possible outside the range from which the system serves
/// outgoing connections, so that it stays free while the server is down.
pub(super) fn free_port() -> u16 {
    for _ in 0..64 {
        let mut bytes = [0; 2];
        if rand::fill(&mut bytes).is_err() {
            break;
        }
        let port = 20_000 + u16::from_ne_bytes(bytes) % 12_000;
        if is_free(port) {
            return port;
        }
    }
    let kernels_choice =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    kernels_choice.map_or(25_432, |address| address.port())
}

/// Returns the first directory for the socket that is ours or free to take.
///
/// # Errors
/// [`LocalError::OtherOwner`] when every name belongs to another user.
pub(super) fn socket_dir(layout: &Layout, account: &Account) -> Result<PathBuf, LocalError> {
    let mut refusal = LocalError::NoAccount;
    for candidate in layout.socket_dirs() {
        match files::private_dir(&candidate, account.uid, account.owner()) {
            Ok(()) => return Ok(candidate),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

/// Returns whether a server could listen on 127.0.0.1 at this port.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_not_free_and_the_chosen_one_is() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
        assert!(is_free(free_port()));
    }
}
