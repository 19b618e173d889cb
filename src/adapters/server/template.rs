//! Templates: databases that went through every migration and belong to nobody, which new tenants'
//! databases are copied from.
//!
//! A template appears under its name finished, closed and stamped, in one commit; what is not finished
//! has another name. Copied are a database's files, not what the server keeps beside them: who may
//! connect to it, and its settings. So a template holds no row of a table either, which might be the
//! tenant's own whom it was made with.

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow, Row};
use uuid::Uuid;

use super::catalog::{API_ROLES, Traits};
use super::database::TenantDatabase;
use super::error::ServerError;
use super::home::Home;
use super::operator::Server;
use super::role_names::OWNER;
use super::sql::run;
use crate::adapters::postgres::{PgError, identifier, literal};

type Result<T> = std::result::Result<T, ServerError>;

/// What every template's name begins with.
const PREFIX: &str = "tenantctl_template_";

/// A template's name: by all that it depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateName(String);

impl TemplateName {
    /// Returns the name of the template with this key.
    pub(crate) fn of(key: &str) -> Self {
        Self(format!("{PREFIX}{}", key.get(..16).unwrap_or(key)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a template says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TemplateStamp {
    /// Of the schema that it has.
    pub(crate) fingerprint: String,
    /// Of the catalog of a database that has the schema.
    pub(crate) digest: String,
    /// How many tables carry a tenant's id.
    pub(crate) tables: i64,
    /// Who made it.
    pub(crate) control_plane_id: Uuid,
    /// The day on which a database was last copied from it, as in `2026-11-27`.
    pub(crate) used_on: String,
    /// Why nothing is copied from it, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unfit: Option<String>,
}

/// What the comment of a template holds.
#[derive(Serialize, Deserialize)]
struct Envelope {
    tenantctl_template: TemplateStamp,
}

impl TemplateStamp {
    fn comment(&self) -> String {
        let envelope = Envelope { tenantctl_template: self.clone() };
        serde_json::to_string(&envelope).unwrap_or_default()
    }

    fn read(comment: Option<&str>) -> Option<Self> {
        let envelope: Envelope = serde_json::from_str(comment?).ok()?;
        Some(envelope.tenantctl_template)
    }
}

/// The templates of a server, and what a new one would depend on.
#[derive(Debug, Clone)]
pub(crate) struct Templates {
    pub(crate) traits: Traits,
    /// Those that are finished and ours.
    pub(crate) found: Vec<(TemplateName, TemplateStamp)>,
    /// The server's day.
    pub(crate) today: String,
    /// The day before which a template was not used for long.
    pub(crate) long_ago: String,
}

impl Templates {
    /// Returns what the template of a name says of itself, if there is one.
    pub(crate) fn stamp_of(&self, name: &TemplateName) -> Option<&TemplateStamp> {
        self.found.iter().find(|(found, _)| found == name).map(|(_, stamp)| stamp)
    }
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    comment: Option<String>,
}

impl Server {
    /// Looks for templates.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn templates(&self, connection: &mut PgConnection) -> Result<Templates> {
        let doing = || PgError::doing("look for templates");
        let text = format!(
            r"SELECT current_setting('server_version_num') AS server, {API_ROLES} AS api_roles,
                (now() AT TIME ZONE 'UTC')::date::text AS today,
                ((now() AT TIME ZONE 'UTC')::date - 30)::text AS long_ago,
                coalesce((SELECT jsonb_agg(jsonb_build_object('name', d.datname,
                    'comment', shobj_description(d.oid, 'pg_database')) ORDER BY d.datname)
                FROM pg_database d
                WHERE starts_with(d.datname, '{PREFIX}') AND d.datistemplate AND NOT d.datallowconn
                    AND pg_get_userbyid(d.datdba) = '{OWNER}'), '[]') AS listed"
        );
        let row = sqlx::query(AssertSqlSafe(text)).fetch_one(connection).await.map_err(doing())?;
        let Json(listed): Json<Vec<Listed>> = row.try_get("listed").map_err(doing())?;
        let found = listed.into_iter().filter_map(|Listed { name, comment }| {
            Some((TemplateName(name), TemplateStamp::read(comment.as_deref())?))
        });
        Ok(Templates {
            traits: Traits::from_row(&row).map_err(doing())?,
            found: found.collect(),
            today: row.try_get("today").map_err(doing())?,
            long_ago: row.try_get("long_ago").map_err(doing())?,
        })
    }

    /// Notes when a template was last used.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn note_use(
        &self,
        connection: &mut PgConnection,
        name: &TemplateName,
        stamp: &TemplateStamp,
    ) -> Result<()> {
        run(connection, stamping(name, stamp), "note that the template is used").await
    }

    /// Drops a template.
    ///
    /// # Errors
    /// When the server refuses, as while something is copied from it.
    pub(crate) async fn drop_template(
        &self,
        connection: &mut PgConnection,
        name: &TemplateName,
    ) -> Result<()> {
        let name = identifier(name.as_str());
        let doing = "drop the template";
        run(connection, format!("ALTER DATABASE {name} IS_TEMPLATE false"), doing).await?;
        run(connection, format!("DROP DATABASE {name}"), doing).await
    }
}

impl Home {
    /// Makes a template of the database, whose login goes, in one commit; nobody is connected to it.
    /// Returns whether it is one: another of the name may have been first.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn become_template(
        &self,
        connection: &mut PgConnection,
        name: &TemplateName,
        stamp: &TemplateStamp,
    ) -> Result<bool> {
        let (from, to) = (identifier(self.name().as_str()), identifier(name.as_str()));
        let login = identifier(self.name().login());
        let text = format!(
            "REVOKE ALL ON DATABASE {from} FROM {login}; \
             ALTER DATABASE {from} RENAME TO {to}; {}; \
             ALTER DATABASE {to} IS_TEMPLATE true ALLOW_CONNECTIONS false CONNECTION LIMIT -1; \
             DROP ROLE {login}",
            stamping(name, stamp),
        );
        match run(connection, text, "make a template").await {
            Ok(()) => Ok(true),
            Err(ServerError::Postgres(error)) if error.is("42P04") => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn stamping(name: &TemplateName, stamp: &TemplateStamp) -> String {
    let comment = literal(&stamp.comment());
    format!("COMMENT ON DATABASE {} IS {comment}", identifier(name.as_str()))
}

/// Says what of a database would be missing in a copy, or would be another tenant's in it. Tables of
/// extensions hold what their version brought.
const UNFIT: &str = "DO $$
DECLARE
    one record;
    has_rows boolean;
BEGIN
    FOR one IN
        SELECT c.oid::regclass AS name FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
            AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'tenantctl')
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                AND d.objid = c.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one.name) INTO has_rows;
        IF has_rows THEN
            PERFORM set_config('tenantctl.unfit', format('%s holds rows', one.name), true);
            RETURN;
        END IF;
    END LOOP;
    PERFORM set_config('tenantctl.unfit', 'there are large objects', true)
        FROM pg_largeobject_metadata LIMIT 1;
    PERFORM set_config('tenantctl.unfit', 'the database has settings of its own', true)
        FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
        WHERE d.datname = current_database();
    PERFORM set_config('tenantctl.unfit', 'roles were granted the database', true)
        FROM pg_database d, aclexplode(d.datacl) a
        WHERE d.datname = current_database() AND a.grantee <> d.datdba
            AND pg_get_userbyid(a.grantee) <> current_setting('tenantctl.login');
END $$";

impl TenantDatabase {
    /// Takes out what is one tenant's, whose it is and who held locks in it; returns why nothing can be
    /// copied from this database, where that is so. The operator sees every row, whatever the policies
    /// say.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub(crate) async fn prepare_to_copy(&mut self) -> Result<Option<String>> {
        let login = literal(self.home().name().login());
        let text = format!(
            "RESET ROLE; BEGIN; SET LOCAL row_security = off; \
             SELECT set_config('tenantctl.unfit', '', true), \
                 set_config('tenantctl.login', {login}, true); \
             {UNFIT}; SELECT current_setting('tenantctl.unfit'); ROLLBACK"
        );
        let rows = sqlx::raw_sql(AssertSqlSafe(text)).fetch_all(&mut *self.connection()).await;
        let doing = || PgError::doing("look whether a template can be made");
        let why: Option<String> =
            rows.map_err(doing())?.last().map(|row| row.try_get(0)).transpose().map_err(doing())?;
        let text = format!(
            "SET ROLE {OWNER}; ALTER TABLE tenantctl.identity DISABLE TRIGGER USER; \
             DELETE FROM tenantctl.identity; ALTER TABLE tenantctl.identity ENABLE TRIGGER USER; \
             DELETE FROM tenantctl.locks"
        );
        run(self.connection(), text, "take out whose it is").await?;
        Ok(why.filter(|why| !why.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back_and_names_fit() {
        let stamp = TemplateStamp {
            fingerprint: "ab".to_owned(),
            digest: "cd".to_owned(),
            tables: 8,
            control_plane_id: Uuid::from_u128(1),
            used_on: "2026-11-27".to_owned(),
            unfit: None,
        };
        assert_eq!(TemplateStamp::read(Some(&stamp.comment())), Some(stamp));
        assert_eq!(TemplateStamp::read(Some("billing")), None);
        let name = TemplateName::of("0123456789abcdef0123456789abcdef");
        assert_eq!(name.as_str(), "tenantctl_template_0123456789abcdef");
    }
}
