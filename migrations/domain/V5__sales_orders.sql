-- What the tenant's customers have ordered.

CREATE TABLE public.sales_orders (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL DEFAULT tenantctl.current_tenant(),
    so_number text NOT NULL CHECK (so_number <> ''),
    customer_id uuid,
    customer_name text NOT NULL CHECK (customer_name <> ''),
    order_date date NOT NULL DEFAULT CURRENT_DATE,
    delivery_date date,
    shipment_mode text,
    tracking_number text,
    payment_terms text,
    payment_status text NOT NULL DEFAULT 'unpaid'
        CHECK (payment_status IN ('unpaid', 'partial', 'paid', 'refunded')),
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
    UNIQUE (tenant_id, so_number),
    CONSTRAINT sales_orders_total_adds_up CHECK (total = subtotal + tax + shipping - discount),
    CONSTRAINT sales_orders_delivery_after_order CHECK (delivery_date >= order_date)
);

COMMENT ON TABLE public.sales_orders IS
    'Orders of customers. Customers are kept elsewhere, so customer_id points at no table here '
    'and the name is part of the order.';
COMMENT ON COLUMN public.sales_orders.total IS
    'subtotal + tax + shipping - discount; a row where it is not is refused.';
COMMENT ON COLUMN public.sales_orders.status IS
    'Moves forward only; delivered and cancelled are final. A new row may start anywhere, because '
    'orders are also imported.';

CREATE INDEX sales_orders_by_customer ON public.sales_orders (tenant_id, customer_id);
CREATE INDEX sales_orders_by_status ON public.sales_orders (tenant_id, status, order_date);

CREATE TRIGGER sales_orders_status_forward
    BEFORE UPDATE ON public.sales_orders
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION public.keep_status_forward();

SELECT tenantctl.protect('public.sales_orders');

CREATE TABLE public.sales_order_items (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL DEFAULT tenantctl.current_tenant(),
    sales_order_id uuid NOT NULL,
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
    UNIQUE (tenant_id, sales_order_id, line_no),
    FOREIGN KEY (tenant_id, sales_order_id)
        REFERENCES public.sales_orders (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, product_id)
        REFERENCES public.products (tenant_id, id)
);

COMMENT ON TABLE public.sales_order_items IS
    'Lines of an order. They live and die with it; the unique key on the line number also serves '
    'the foreign key to the order.';
COMMENT ON COLUMN public.sales_order_items.line_total IS
    'round(quantity * unit_price, 2), before tax. The order''s subtotal is the sum of these, its '
    'tax the sum of round(line_total * tax_rate / 100, 2).';
COMMENT ON COLUMN public.sales_order_items.received_quantity IS
    'What has reached the customer so far.';

CREATE INDEX sales_order_items_by_product ON public.sales_order_items (tenant_id, product_id);

SELECT tenantctl.protect('public.sales_order_items');
