-- What the tenant has ordered from its vendors.

CREATE TABLE public.purchase_orders (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL DEFAULT tenantctl.current_tenant(),
    po_number text NOT NULL CHECK (po_number <> ''),
    vendor_id uuid NOT NULL,
    order_date date NOT NULL DEFAULT CURRENT_DATE,
    expected_date date,
    delivered_date date,
    subtotal numeric(14,2) NOT NULL DEFAULT 0 CHECK (subtotal >= 0),
    tax numeric(14,2) NOT NULL DEFAULT 0 CHECK (tax >= 0),
    shipping numeric(14,2) NOT NULL DEFAULT 0 CHECK (shipping >= 0),
    discount numeric(14,2) NOT NULL DEFAULT 0 CHECK (discount >= 0),
    total numeric(14,2) NOT NULL DEFAULT 0 CHECK (total >= 0),
    currency text NOT NULL DEFAULT 'INR' CHECK (currency ~ '^[A-Z]{3}$'),
    notes text,
    status text NOT NULL DEFAULT 'draft'
        CHECK (status IN ('draft', 'confirmed', 'shipped', 'delivered', 'cancelled')),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, po_number),
    CONSTRAINT purchase_orders_total_adds_up CHECK (total = subtotal + tax + shipping - discount),
    CONSTRAINT purchase_orders_expected_after_order CHECK (expected_date >= order_date),
    CONSTRAINT purchase_orders_delivered_after_order CHECK (delivered_date >= order_date),
    FOREIGN KEY (tenant_id, vendor_id)
        REFERENCES public.vendors (tenant_id, id)
);

COMMENT ON TABLE public.purchase_orders IS
    'Orders to vendors. A vendor that has orders cannot be deleted.';
COMMENT ON COLUMN public.purchase_orders.total IS
    'subtotal + tax + shipping - discount; a row where it is not is refused.';
COMMENT ON COLUMN public.purchase_orders.status IS
    'Moves forward only; delivered and cancelled are final. A new row may start anywhere, because '
    'orders are also imported.';

CREATE INDEX purchase_orders_by_vendor ON public.purchase_orders (tenant_id, vendor_id);
CREATE INDEX purchase_orders_by_status ON public.purchase_orders (tenant_id, status, order_date);

CREATE TRIGGER purchase_orders_status_forward
    BEFORE UPDATE ON public.purchase_orders
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION public.keep_status_forward();

SELECT tenantctl.protect('public.purchase_orders');

CREATE TABLE public.purchase_order_items (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL DEFAULT tenantctl.current_tenant(),
    purchase_order_id uuid NOT NULL,
    product_id uuid NOT NULL,
    line_no integer NOT NULL CHECK (line_no > 0),
    quantity numeric(14,3) NOT NULL CHECK (quantity > 0),
    received_quantity numeric(14,3) NOT NULL DEFAULT 0 CHECK (received_quantity >= 0),
    unit_price numeric(14,2) NOT NULL CHECK (unit_price >= 0),
    tax_rate numeric(5,2) NOT NULL DEFAULT 0 CHECK (tax_rate BETWEEN 0 AND 100),
    line_total numeric(14,2) NOT NULL
        GENERATED ALWAYS AS (round(quantity * unit_price, 2)) STORED,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, purchase_order_id, line_no),
    FOREIGN KEY (tenant_id, purchase_order_id)
        REFERENCES public.purchase_orders (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, product_id)
        REFERENCES public.products (tenant_id, id)
);

COMMENT ON TABLE public.purchase_order_items IS
    'Lines of an order. They live and die with it; the unique key on the line number also serves '
    'the foreign key to the order.';
COMMENT ON COLUMN public.purchase_order_items.line_total IS
    'round(quantity * unit_price, 2), before tax. The order''s subtotal is the sum of these, its '
    'tax the sum of round(line_total * tax_rate / 100, 2).';
COMMENT ON COLUMN public.purchase_order_items.received_quantity IS
    'What has arrived so far. Vendors do over-deliver, so it may exceed what was ordered.';

CREATE INDEX purchase_order_items_by_product ON public.purchase_order_items (tenant_id, product_id);

SELECT tenantctl.protect('public.purchase_order_items');
