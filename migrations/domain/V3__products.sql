-- What the tenant buys and sells.

CREATE TABLE public.products (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL DEFAULT tenantctl.current_tenant(),
    sku text NOT NULL CHECK (sku <> ''),
    name text NOT NULL CHECK (name <> ''),
    description text,
    category text,
    unit text NOT NULL DEFAULT 'pcs' CHECK (unit <> ''),
    cost_price numeric(14,2) NOT NULL DEFAULT 0 CHECK (cost_price >= 0),
    selling_price numeric(14,2) NOT NULL DEFAULT 0 CHECK (selling_price >= 0),
    currency text NOT NULL DEFAULT 'INR' CHECK (currency ~ '^[A-Z]{3}$'),
    hsn_code text CHECK (hsn_code ~ '^([0-9]{4}|[0-9]{6}|[0-9]{8})$'),
    tax_rate numeric(5,2) NOT NULL DEFAULT 0 CHECK (tax_rate BETWEEN 0 AND 100),
    barcode text CHECK (barcode <> ''),
    reorder_level numeric(14,3) NOT NULL DEFAULT 0 CHECK (reorder_level >= 0),
    reorder_quantity numeric(14,3) NOT NULL DEFAULT 0 CHECK (reorder_quantity >= 0),
    attributes jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'inactive', 'discontinued')),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

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

SELECT tenantctl.protect('public.products');
