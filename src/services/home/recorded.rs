//! Whether the cluster that is configured is the server that a tenant's database was registered on.
//!
//! A copy of a server holds the same databases, with the same stamps, oids and system identifier, so
//! none of these says which of the two is meant; the recorded address does. Another identifier at
//! that address tells another server, the same one tells nothing.

use sqlx::postgres::PgConnection;

use super::error::HomeError;
use super::world::World;
use crate::adapters::control_plane::{self, Address};
use crate::adapters::server::{Home, Registration};
use crate::model::{Placement, Tenant};
use crate::services::saga::Journal;

impl World {
    /// Refuses a cluster on which neither what is there nor what is missing says anything about the
    /// tenant's database.
    ///
    /// # Errors
    /// When it is not the recorded one.
    pub(crate) async fn check_recorded_server(
        &self,
        tenant: &Tenant,
        operator: &mut PgConnection,
    ) -> Result<(), HomeError> {
        // Nothing was registered yet: what there is was made by the run that is being undone.
        let (Placement::Database, Some(host), Some(port)) =
            (tenant.placement, &tenant.host, tenant.port)
        else {
            return Ok(());
        };
        let cluster = self.homes.cluster();
        let identifier = cluster.system_identifier(operator).await?;
        let here = cluster.endpoint();
        let is_there = *host == here.host_text() && port == here.port;
        let is_same = match (&tenant.system_identifier, &identifier) {
            (Some(recorded), Some(found)) => recorded == found,
            _ => true,
        };
        if is_there && is_same {
            return Ok(());
        }
        let text = |host: &str, port: u16, identifier: Option<&String>| match identifier {
            Some(identifier) if !is_same => format!("{host}:{port} (system {identifier})"),
            _ => format!("{host}:{port}"),
        };
        Err(HomeError::Elsewhere {
            slug: tenant.slug.to_string(),
            recorded: text(host, port, tenant.system_identifier.as_ref()),
            configured: text(&here.host_text(), here.port, identifier.as_ref()),
        })
    }

    /// Records where a tenant's database is now, after its stamp was proved on this very server and
    /// by the operator's wish to use it there; returns whether that is anything new. A project's
    /// address stays: which of its two is reached from here does not decide which its application
    /// uses.
    ///
    /// # Errors
    /// When the server or the control plane does not answer.
    pub(crate) async fn record_where(
        &self,
        tenant: &Tenant,
        home: &Home,
        operator: &mut PgConnection,
        journal: &mut Journal,
    ) -> Result<bool, HomeError> {
        if tenant.placement == Placement::Project || tenant.host.is_none() {
            return Ok(false);
        }
        let Some(found) = home.look(operator).await? else { return Ok(false) };
        let Registration { host, port, is_pooled, database_oid, system_identifier } =
            home.registration(operator, found.oid).await?;
        let address = Address { host, port, is_pooled, database_oid, system_identifier };
        let is_recorded = tenant.host.as_ref() == Some(&address.host)
            && tenant.port == Some(port)
            && tenant.database_oid == database_oid
            && tenant.system_identifier == address.system_identifier;
        if !is_recorded {
            control_plane::record_move(&mut journal.connection, tenant.id, &address).await?;
        }
        Ok(!is_recorded)
    }
}
