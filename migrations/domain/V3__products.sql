-- What the tenant buys and sells.

CREATE TABLE public.products (
    id               uuid          NOT NULL DEFAULT gen_random_uuid(),
    tenant_id        uuid          NOT NULL DEFAULT tenantctl.current_tenant(),
    sku              text          NOT NULL CHECK (sku <> ''),
    name             text          NOT NULL CHECK (name <> ''),
    description      text,
    category         text,
    unit             text          NOT NULL DEFAULT 'pcs' CHECK (unit <> ''),
    cost_price       numeric(14,2) NOT NULL DEFAULT 0 CHECK (cost_price >= 0),
    selling_price    numeric(14,2) NOT NULL DEFAULT 0 CHECK (selling_price >= 0),
    currency         text          NOT NULL DEFAULT 'INR' CHECK (currency ~ '^[A-Z]{3}$'),
    hsn_code         text          CHECK (hsn_code ~ '^([0-9]{4}|[0-9]{6}|[0-9]{8})$'),
    tax_rate         numeric(5,2)  NOT NULL DEFAULT 0 CHECK (tax_rate BETWEEN 0 AND 100),
    barcode          text          CHECK (barcode <> ''),
    reorder_level    numeric(14,3) NOT NULL DEFAULT 0 CHECK (reorder_level >= 0),
    reorder_quantity numeric(14,3) NOT NULL DEFAULT 0 CHECK (reorder_quantity >= 0),
    attributes       jsonb         NOT NULL DEFAULT '{}',
    status           text          NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'inactive', 'discontinued')),
    created_by       uuid,
    created_at       timestamptz   NOT NULL DEFAULT now(),
    updated_at       timestamptz   NOT NULL DEFAULT now(),

    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, sku),
    CHECK (jsonb_typeof(attributes) = 'object')
);

COMMENT ON TABLE public.products IS
    'Articles. Selling below cost is allowed: clearance happens.';
COMMENT ON COLUMN public.products.hsn_code IS
    'Harmonised code for the tax return: 4, 6 or 8 digits, by the tenant''s turnover.';
COMMENT ON COLUMN public.products.tax_rate IS
    'GST in percent, the whole of it (central and state halves together).';
COMMENT ON COLUMN public.products.barcode IS
    'Not unique: manufacturers print one code on several packings.';

CREATE INDEX products_by_category ON public.products (tenant_id, category);
CREATE INDEX products_by_barcode ON public.products (tenant_id, barcode) WHERE barcode IS NOT NULL;

CREATE TRIGGER products_touch
    BEFORE UPDATE ON public.products
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

ALTER TABLE public.products ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.products FORCE ROW LEVEL SECURITY;

CREATE POLICY own_tenant ON public.products AS PERMISSIVE FOR ALL
    USING (tenant_id = (SELECT tenantctl.current_tenant()))
    WITH CHECK (tenant_id = (SELECT tenantctl.current_tenant()));

CREATE POLICY gate_open ON public.products AS RESTRICTIVE FOR ALL
    USING ((SELECT tenantctl.access_allowed())
        AND tenant_id = (SELECT tenantctl.current_tenant()))
    WITH CHECK ((SELECT tenantctl.access_allowed())
        AND tenant_id = (SELECT tenantctl.current_tenant()));

REVOKE ALL ON public.products FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.products TO tenantctl_app;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'authenticated') THEN
        REVOKE ALL ON public.products FROM authenticated;
        GRANT SELECT, INSERT, UPDATE, DELETE ON public.products TO authenticated;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'anon') THEN
        REVOKE ALL ON public.products FROM anon;
    END IF;
END
$$;
