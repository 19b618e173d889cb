//! Which tenant was meant by a name that none has.

use super::error::TenantError;
use crate::adapters::control_plane::{self, ControlPlane};
use crate::model::{did_you_mean, nearest};

/// Returns a question that names the tenants whose slugs are like this; nothing where none is.
pub(crate) async fn meant(
    plane: &ControlPlane,
    named: &str,
) -> Result<Option<String>, TenantError> {
    let mut session = plane.session().await?;
    let slugs = control_plane::slugs_like(&mut session, named).await?;
    Ok(did_you_mean(&nearest(named, slugs.iter().map(String::as_str))))
}
