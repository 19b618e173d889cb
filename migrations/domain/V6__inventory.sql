-- How much of which product lies where.

CREATE TABLE public.inventory (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL DEFAULT tenantctl.current_tenant(),
    product_id uuid NOT NULL,
    warehouse_location text NOT NULL CHECK (warehouse_location <> ''),
    quantity_on_hand numeric(14,3) NOT NULL DEFAULT 0 CHECK (quantity_on_hand >= 0),
    quantity_reserved numeric(14,3) NOT NULL DEFAULT 0 CHECK (quantity_reserved >= 0),
    quantity_in_transit numeric(14,3) NOT NULL DEFAULT 0 CHECK (quantity_in_transit >= 0),
    avg_cost numeric(14,2) NOT NULL DEFAULT 0 CHECK (avg_cost >= 0),
    valuation numeric(14,2) NOT NULL
        GENERATED ALWAYS AS (round(quantity_on_hand * avg_cost, 2)) STORED,
    last_received_at timestamptz,
    last_issued_at timestamptz,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, product_id, warehouse_location),
    CONSTRAINT inventory_reserved_is_on_hand CHECK (quantity_reserved <= quantity_on_hand),
    FOREIGN KEY (tenant_id, product_id)
        REFERENCES public.products (tenant_id, id)
);

COMMENT ON TABLE public.inventory IS
    'Stock, one row for a product in a warehouse. The unique key also serves the foreign key to '
    'the product.';
COMMENT ON COLUMN public.inventory.valuation IS
    'round(quantity_on_hand * avg_cost, 2); what is still in transit is not ours yet.';

CREATE INDEX inventory_by_warehouse ON public.inventory (tenant_id, warehouse_location);

SELECT tenantctl.protect('public.inventory');
