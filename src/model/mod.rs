//! The words everyone shares: what a tenant, a secret, a consent or a kind of error is.
//!
//! Every other room imports from here; this room imports nothing of ours. It does no I/O, is never
//! async, and knows neither clap nor sqlx.

mod actor;
mod clock;
mod consent;
mod error_kind;
mod interrupt;
mod jwks_source;
mod project;
mod redact;
mod schema;
mod secret;
mod selector;
mod session;
mod strict_json;
mod tenant;
mod text;
mod web_url;

pub use actor::{Actor, ActorError};
pub use clock::{Clock, FixedClock, SystemClock};
pub use consent::Consent;
pub use error_kind::{Classified, ErrorKind};
pub use interrupt::Interrupt;
pub use jwks_source::JwksSource;
pub use project::{ProjectRef, ProjectRefError, id_in_project_name, project_name};
pub use redact::redact;
pub use schema::{MigrationRecord, SchemaState, SchemaVersion};
pub use secret::{Secret, SecretText};
pub use selector::Selector;
pub use session::{Jti, JtiError, SessionState, UserId};
pub use strict_json::{StrictJsonError, parse_strict_json};
pub use tenant::{
    DatabaseName, Label, LabelError, Placement, Quarantine, Reason, ReasonError, Slug, SlugError,
    Tenant, TenantId, TenantName, TenantNameError, TenantStatus, UnknownWord,
};
pub use text::{escape_controls, hex, shorten};
pub use web_url::{WebUrl, WebUrlError};
