//! The private local Postgres: brought up, stopped, looked at, removed.
//!
//! The adapter does all of it; this room says what was wanted when it could not.

mod error;

pub use crate::adapters::local::{
    LocalDestroyed, LocalDown, LocalEndpoint, LocalEvent, LocalServer, LocalStatus, LocalUp,
    UpOutcome,
};
pub use error::LocalFailure;

/// Starts the server, making it first where there is none.
///
/// # Errors
/// When there are no programs to run, or the server does not come up.
pub async fn up(
    server: &LocalServer,
    on_event: &(dyn Fn(LocalEvent) + Send + Sync),
    installs: bool,
) -> Result<LocalUp, LocalFailure> {
    server.up(on_event, installs).await.map_err(LocalFailure::of("start"))
}

/// Stops the server; its data stays.
///
/// # Errors
/// When it does not stop.
pub async fn down(server: &LocalServer) -> Result<LocalDown, LocalFailure> {
    server.down().await.map_err(LocalFailure::of("stop"))
}

/// Looks how the server stands.
///
/// # Errors
/// When its files cannot be read.
pub async fn status(server: &LocalServer) -> Result<LocalStatus, LocalFailure> {
    server.status().await.map_err(LocalFailure::of("look at"))
}

/// Stops the server and removes its data.
///
/// # Errors
/// When the directory is not one of ours, or cannot be removed.
pub async fn destroy(server: &LocalServer) -> Result<LocalDestroyed, LocalFailure> {
    server.destroy().await.map_err(LocalFailure::of("remove"))
}

/// Returns where to log in, from files alone; nothing when there is no server.
///
/// # Errors
/// When the files belong to somebody else or cannot be read.
pub fn endpoint(server: &LocalServer) -> Result<Option<LocalEndpoint>, LocalFailure> {
    server.endpoint().map_err(LocalFailure::of("find"))
}
