-- Whom the tenant buys from.

CREATE TABLE public.vendors (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL DEFAULT tenantctl.current_tenant(),
    code text NOT NULL CHECK (code <> ''),
    name text NOT NULL CHECK (name <> ''),
    contact_name text,
    email text CHECK (email ~ '^[^@\s]+@[^@\s]+$'),
    phone text CHECK (phone ~ '^[+0-9][0-9 ()/.-]{4,30}$'),
    address jsonb NOT NULL DEFAULT '{}',
    tax_id text CHECK (length(tax_id) BETWEEN 1 AND 30),
    rating numeric(2,1) CHECK (rating BETWEEN 0 AND 5),
    total_orders integer NOT NULL DEFAULT 0 CHECK (total_orders >= 0),
    total_spent numeric(14,2) NOT NULL DEFAULT 0 CHECK (total_spent >= 0),
    bank_details jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'inactive', 'suspended')),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, code),
    UNIQUE (tenant_id, email),
    CHECK (jsonb_typeof(address) = 'object'),
    CHECK (jsonb_typeof(bank_details) = 'object')
);

COMMENT ON TABLE public.vendors IS
    'Suppliers. A vendor without an e-mail address is allowed; two with the same one are not.';
COMMENT ON COLUMN public.vendors.tax_id IS
    'GSTIN for a vendor registered in India, else what the vendor''s own country calls it.';
COMMENT ON COLUMN public.vendors.total_orders IS
    'Orders placed and not cancelled, kept by the application, like total_spent.';

CREATE INDEX vendors_by_name ON public.vendors (tenant_id, name);

SELECT tenantctl.protect('public.vendors');
