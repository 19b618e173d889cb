//! The template that new tenants' databases are copied from: a clean build that is kept.
//!
//! It is made when the first tenant needs it, one at a time, and serves every control plane of the
//! cluster. A copy is proved by the catalog that the clean build had.

use sqlx::postgres::PgConnection;
use tokio::time::Instant;

use super::clean::{Build, CLUSTER, CatalogStanding, CleanBuilds, Keeps, NAME};
use super::error::MigrationError;
use crate::adapters::control_plane::is_stood_at;
use crate::adapters::postgres::Purpose;
use crate::adapters::server::{
    Server, TemplateName, TemplateStamp, Templates, TenantDatabase, Traits,
};
use crate::model::{Placement, SchemaState, Tenant};

/// A template that databases are copied from.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) name: TemplateName,
    stamp: TemplateStamp,
}

impl Template {
    /// Returns how many tables of a copy carry a tenant's id.
    pub(crate) fn tables(&self) -> i64 {
        self.stamp.tables
    }
}

/// How a template is made, which its name depends on as well.
const MADE: &str = "template 1";

impl CleanBuilds<'_> {
    /// Returns the cluster's template of everything, made when there is none; nothing where none can be
    /// made or copied. The session is the operator's.
    ///
    /// # Errors
    /// When the migrations would let a client past row security.
    pub(crate) async fn template(
        &self,
        placement: Placement,
        operator: &mut PgConnection,
        deadline: Instant,
    ) -> Result<Option<Template>, MigrationError> {
        let (server, schema) = (self.world.homes.cluster(), self.sets.head());
        let mut seen = server.templates(operator).await?;
        let Some(name) = self.template_name(&seen.traits, &schema) else { return Ok(None) };
        if seen.stamp_of(&name).is_none() {
            let key = seen.traits.key(CLUSTER, &schema.fingerprint);
            let Some(home) = self.world.scratch(placement, &key) else { return Ok(None) };
            let keeps = Keeps::RecordAnd(Some(name.clone()));
            let wanted = Build { key: &key, schema: &schema, keeps };
            match Box::pin(self.make(&home, &wanted, deadline)).await {
                Ok(_) => seen = server.templates(operator).await?,
                Err(exposed @ MigrationError::Exposed { .. }) => return Err(exposed),
                // A file may need what only a tenant's database has, or we may not make another.
                Err(error) => {
                    tracing::debug!("no template: {error}");
                    return Ok(None);
                }
            }
        }
        let Some(stamp) = seen.stamp_of(&name).filter(|stamp| stamp.unfit.is_none()) else {
            return Ok(None);
        };
        if stamp.used_on != seen.today {
            let stamp = TemplateStamp { used_on: seen.today.clone(), ..stamp.clone() };
            // Whoever else uses it notes the same.
            drop(server.note_use(operator, &name, &stamp).await);
        }
        Ok(Some(Template { stamp: stamp.clone(), name }))
    }

    /// Compares a copy, which has its own login now, with the clean build that its template was; returns
    /// what differs.
    ///
    /// # Errors
    /// When the catalog cannot be read, or no clean build be made.
    pub(crate) async fn prove(
        &self,
        template: &Template,
        tenant: &Tenant,
        copy: &mut TenantDatabase,
        deadline: Instant,
    ) -> Result<Vec<String>, MigrationError> {
        let catalog = copy.catalog(Some(&template.stamp.digest)).await?;
        if catalog.digest == template.stamp.digest {
            return Ok(Vec::new());
        }
        // Something of the whole server may have changed since, a setting of a role's for one: then a
        // clean build of now looks the same.
        let (traits, schema) = (catalog.traits(), self.sets.head());
        let key = traits.key(CLUSTER, &schema.fingerprint);
        let Some(home) = self.world.scratch(tenant.placement, &key) else {
            return Ok(Vec::new());
        };
        let wanted = Build { key: &key, schema: &schema, keeps: Keeps::Nothing };
        let clean = Box::pin(self.make(&home, &wanted, deadline)).await?;
        let mut operator = home.operator(Purpose::destroy(NAME)).await?;
        let dropped = home.server().drop_template(&mut operator, &template.name).await;
        dropped.unwrap_or_else(|error| tracing::debug!("the template stays: {error}"));
        if clean.digest == catalog.digest {
            return Ok(Vec::new());
        }
        Ok(match self.compare(tenant, copy, &schema, deadline).await? {
            CatalogStanding::Differs(found) => found,
            CatalogStanding::Same | CatalogStanding::NotCompared(_) => {
                vec![format!(
                    "its catalog is not that of a clean build, as {} was not",
                    template.name.as_str()
                )]
            }
        })
    }

    /// Returns the name of a schema's template, where that is the newest.
    pub(super) fn template_name(
        &self,
        traits: &Traits,
        schema: &SchemaState,
    ) -> Option<TemplateName> {
        let is_newest = *schema == self.sets.head();
        is_newest.then(|| TemplateName::of(&traits.key(MADE, &schema.fingerprint)))
    }

    /// Drops the templates that nobody needs: ours when no tenant stands at their schema any more, and
    /// those that nobody used for long. One that stays for a while harms nobody.
    pub(super) async fn drop_unneeded(
        &self,
        server: &Server,
        plane: &mut PgConnection,
        operator: &mut PgConnection,
        templates: &Templates,
    ) {
        for (name, stamp) in &templates.found {
            let is_ours = stamp.control_plane_id == self.world.plane.id();
            let is_needed =
                !is_ours || is_stood_at(plane, &stamp.fingerprint).await.unwrap_or(true);
            if is_needed && stamp.used_on >= templates.long_ago {
                continue;
            }
            if let Err(error) = server.drop_template(operator, name).await {
                tracing::debug!("the template {} stays: {error}", name.as_str());
            }
        }
    }
}
