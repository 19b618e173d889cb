//! The words that every room shares: tenant, session, secret, consent, kind of error.
//!
//! Every other room imports from here; this room imports nothing of ours. It does no I/O, is never
//! async, and knows neither clap nor sqlx.

mod act;
mod actor;
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

pub use act::Act;
pub use actor::Actor;
pub use clock::{Clock, SystemClock};
pub use consent::Consent;
pub use database_name::DatabaseName;
pub use digest::sha256;
pub use error_kind::{Classified, ErrorKind, InternalError, Refusal};
pub use ids::{TenantId, UserId};
pub use instant::instant;
pub use interrupt::Interrupt;
pub use jwks_source::JwksSource;
pub use label::Label;
pub use marks::Marks;
pub use placement::Placement;
pub use project::{ProjectRef, id_in_project_name, project_name};
pub use reason::Reason;
pub use redact::redact;
pub use schema::{MigrationRecord, SchemaState, SchemaVersion};
pub use secret::{Secret, SecretText};
pub use selector::Selector;
pub use session::{Jti, SessionState};
pub use slug::{Slug, SlugError};
pub use strict_json::{StrictJsonError, parse_strict_json};
pub use tenant::{Quarantine, Tenant};
pub use tenant_name::TenantName;
pub use tenant_status::TenantStatus;
pub use text::{escape_controls, hex, shorten};
pub use web_url::{WebUrl, WebUrlError};
