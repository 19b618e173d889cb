//! How many connections are free on the server that tenants share.

use std::time::{Duration, Instant};

use crate::adapters::postgres::{Endpoint, Purpose};
use crate::adapters::server::Server;

/// How often it is asked.
const PAUSE: Duration = Duration::from_secs(1);

/// How long an answer may take: meanwhile the turns stand still.
const PATIENCE: Duration = Duration::from_millis(200);

/// A server, asked with a session that is closed again: where only few are free, a tenant needs it.
#[derive(Debug)]
pub(super) struct Room {
    server: Server,
    asked_at: Option<Instant>,
}

impl Room {
    pub(super) fn on(server: &Server) -> Self {
        Self { server: server.asking_once(), asked_at: None }
    }

    /// Returns how many connections are free, when it is time to ask and there is an answer.
    pub(super) async fn measured(&mut self) -> Option<usize> {
        if self.asked_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return None;
        }
        self.asked_at = Some(Instant::now());
        let asking = async {
            let mut session = self.server.operator(Purpose::query("measure")).await.ok()?;
            let free = Server::free_connections(&mut session).await.ok();
            Endpoint::close(session).await;
            // That session itself is free again.
            free.map(|free| free + 1)
        };
        tokio::time::timeout(PATIENCE, asking).await.ok().flatten()
    }
}
