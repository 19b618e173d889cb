//! How large tenants' databases are.

use super::error::HomeError;
use super::homes::Homes;
use crate::adapters::postgres::{Endpoint, Purpose};
use crate::model::{DatabaseName, Placement, Tenant};

impl Homes {
    /// Returns how many bytes tenants' databases have together; nothing where one has a project of its
    /// own, which is not asked.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub(crate) async fn size_of(&self, tenants: &[Tenant]) -> Result<Option<u64>, HomeError> {
        if tenants.iter().any(|tenant| tenant.placement == Placement::Project) {
            return Ok(None);
        }
        let names = tenants.iter().filter_map(|tenant| tenant.database.as_ref());
        let names: Vec<_> = names.map(DatabaseName::as_str).collect();
        let mut session = self.cluster().operator(Purpose::query("look")).await?;
        let size = self.cluster().size_of(&mut session, &names).await?;
        Endpoint::close(session).await;
        Ok(Some(u64::try_from(size).unwrap_or_default()))
    }
}
