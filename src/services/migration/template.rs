//! The text of a migration that is begun: what a table needs here, to be taken out of its comment.

use crate::model::MigrationsBase;

/// What the first file of a history of its own needs, which the embedded ones bring otherwise.
const FOUNDATION: &str = "\
GRANT USAGE ON SCHEMA public TO tenantctl_app;

DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'authenticated') THEN
        GRANT USAGE ON SCHEMA public TO authenticated;
    END IF;
END $$;

-- tenantctl.protect makes its trigger on every table that has updated_at.
CREATE FUNCTION public.touch_updated_at() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION public.touch_updated_at() FROM PUBLIC;

";

/// Returns the text of a file with this title; `is_first` of a history of its own.
pub(super) fn text(title: &str, base: MigrationsBase, is_first: bool) -> String {
    let foundation = if is_first { FOUNDATION } else { "" };
    let (column, key) = match base {
        MigrationsBase::Embedded => (
            "--     vendor_id uuid,\n",
            ",\n--     -- Carries tenant_id: a foreign key is checked without row security.\n\
             --     FOREIGN KEY (tenant_id, vendor_id) REFERENCES public.vendors (tenant_id, id)",
        ),
        MigrationsBase::None => ("", ""),
    };
    format!(
        "-- {title}: what it does, and why.
--
-- It runs in every tenant's database, in a transaction of its own, and is never edited once it ran.
-- A table with a tenant_id has its row security enabled and forced, or neither `migrate apply` nor
-- `tenant create` takes the file. tenantctl.protect does that, and makes
--   * the policy own_tenant: the current tenant's rows, USING and WITH CHECK;
--   * the restrictive policy gate_open, which asks the gate, so that a lockdown shuts the table;
--   * the trigger that keeps updated_at, and the grants of the application.
-- A table that is shared on purpose is said to be so:
--   `-- tenantctl: shared public.currencies because ISO 4217 is everybody's`

{foundation}-- An example, to be taken out of its comment:
-- CREATE TABLE public.{title} (
--     id uuid NOT NULL DEFAULT gen_random_uuid(),
--     tenant_id uuid NOT NULL DEFAULT tenantctl.current_tenant(),
--     title text NOT NULL CHECK (title <> ''),
{column}--     -- The user who made the row; none is the system.
--     created_by uuid,
--     created_at timestamptz NOT NULL DEFAULT now(),
--     updated_at timestamptz NOT NULL DEFAULT now(),
--
--     -- tenant_id leads every key: row security turns WHERE id = … into both.
--     PRIMARY KEY (tenant_id, id),
--     UNIQUE (tenant_id, title){key}
-- );
--
-- SELECT tenantctl.protect('public.{title}');
"
    )
}
