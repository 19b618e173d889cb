//! What the tests, the benches and the examples may see of the rooms. Not a stable API.
//!
//! Everything else is private to the crate, so that the compiler finds what nobody uses.

pub mod cli {
    pub use crate::cli::Cli;
}

pub mod control_plane {
    pub use crate::adapters::control_plane::ControlPlane;
}

pub mod management {
    pub use crate::adapters::http::RetryPolicy;
    pub use crate::adapters::management::{
        Management, ManagementError, NewProject, Phase, RefusalReason,
    };
}

pub mod migration {
    pub use crate::services::migration::upgrade_to;
}

pub mod model {
    pub use crate::model::{
        Classified, Clock, ErrorKind, JwksSource, ProjectRef, SecretText, SystemClock,
    };
}

pub mod postgres {
    pub use crate::adapters::postgres::Endpoint;
}

pub mod token {
    pub use crate::services::token::{
        CheckName, CheckResult, Depth, ExamineRequest, Jwks, KeySet, Keys, Obstacle, Outcome,
        Plane, Rules, SharedSecret, Token, Verdict, examine, verify,
    };
}
