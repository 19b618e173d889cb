//! The words that every room shares: tenant, session, secret, consent, kind of error.
//!
//! Every other room imports from here; this room imports nothing of ours. It does no I/O, is never
//! async, and knows neither clap nor sqlx.

mod act;
mod actor;
mod ban;
mod clock;
mod consent;
mod database_name;
mod digest;
mod error_kind;
mod ids;
mod instant;
mod interrupt;
mod jwks_source;
mod label;
mod marks;
mod placement;
mod project;
mod reason;
mod redact;
mod schema;
mod secret;
mod selector;
mod session;
mod slug;
mod strict_json;
mod tenant;
mod tenant_name;
mod tenant_status;
mod text;
mod web_url;
mod words;

pub(crate) use act::Act;
pub(crate) use actor::Actor;
pub(crate) use ban::Ban;
pub use clock::{Clock, SystemClock};
pub(crate) use consent::Consent;
pub(crate) use database_name::DatabaseName;
pub(crate) use digest::sha256;
pub use error_kind::{Classified, ErrorKind};
pub(crate) use error_kind::{InternalError, Refusal};
pub(crate) use ids::{TenantId, UserId};
pub(crate) use instant::instant;
pub(crate) use interrupt::Interrupt;
pub use jwks_source::JwksSource;
pub(crate) use label::Label;
pub(crate) use marks::Marks;
pub(crate) use placement::Placement;
pub use project::ProjectRef;
pub(crate) use project::{id_in_project_name, project_name};
pub(crate) use reason::Reason;
pub(crate) use redact::redact;
pub(crate) use schema::{MigrationRecord, Provenance, SchemaState, SchemaVersion};
pub(crate) use secret::Secret;
pub use secret::SecretText;
pub(crate) use selector::Selector;
pub(crate) use session::{Jti, SessionState};
pub(crate) use slug::{Slug, SlugError};
pub(crate) use strict_json::{StrictJsonError, parse_strict_json};
pub(crate) use tenant::{Quarantine, Tenant};
pub(crate) use tenant_name::TenantName;
pub(crate) use tenant_status::TenantStatus;
pub(crate) use text::{escape_controls, hex, shorten};
pub(crate) use web_url::{WebUrl, WebUrlError};
