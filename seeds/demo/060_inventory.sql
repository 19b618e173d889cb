-- holds: inventory 430
--
-- Three warehouses: Bhiwandi stocks everything and ships most of it, Chakan and
-- Hyderabad keep a part of the range. What customers have confirmed is reserved in
-- Bhiwandi, what vendors have shipped is on its way there, and the dates are those of
-- the last orders. Some articles stand below their reorder level, as they would.

WITH warehouses (warehouse_location, every, share) AS (VALUES
    ('Bhiwandi',  1, 1.00),
    ('Chakan',    2, 0.50),
    ('Hyderabad', 3, 0.40)
), articles AS (
    SELECT p.id, p.cost_price, p.reorder_level,
           row_number() OVER (ORDER BY p.sku COLLATE "C") AS n
    FROM public.products AS p
    WHERE p.id = md5(tenantctl.current_tenant() || ':product:' || p.sku)::uuid
), coming AS (
    SELECT i.product_id,
           sum(i.quantity - i.received_quantity) FILTER (WHERE o.status = 'shipped') AS in_transit,
           max(o.delivered_date) AS received_on
    FROM public.purchase_order_items AS i
    JOIN public.purchase_orders AS o ON o.id = i.purchase_order_id
    WHERE o.id = md5(tenantctl.current_tenant() || ':purchase_order:' || o.po_number)::uuid
    GROUP BY i.product_id
), going AS (
    SELECT i.product_id,
           sum(i.quantity) FILTER (WHERE o.status = 'confirmed') AS reserved,
           max(o.delivery_date) FILTER (WHERE o.status IN ('shipped', 'delivered')) AS issued_on
    FROM public.sales_order_items AS i
    JOIN public.sales_orders AS o ON o.id = i.sales_order_id
    WHERE o.id = md5(tenantctl.current_tenant() || ':sales_order:' || o.so_number)::uuid
    GROUP BY i.product_id
)
INSERT INTO public.inventory
    (id, tenant_id, product_id, warehouse_location, quantity_on_hand, quantity_reserved,
     quantity_in_transit, avg_cost, last_received_at, last_issued_at)
SELECT md5(tenantctl.current_tenant() || ':inventory:' || w.warehouse_location || ':' || a.id)::uuid,
       tenantctl.current_tenant(),
       a.id, w.warehouse_location,
       held.reserved + floor(a.reorder_level * w.share * (4 + a.n % 7 * 3) / 10),
       held.reserved,
       CASE WHEN w.every = 1 THEN coalesce(c.in_transit, 0) ELSE 0 END,
       a.cost_price,
       CASE WHEN w.every = 1 THEN (c.received_on || ' 11:30 +05:30')::timestamptz END,
       CASE WHEN w.every = 1 THEN (g.issued_on || ' 16:00 +05:30')::timestamptz END
FROM articles AS a
JOIN warehouses AS w ON a.n % w.every = 0
LEFT JOIN coming AS c ON c.product_id = a.id
LEFT JOIN going AS g ON g.product_id = a.id
CROSS JOIN LATERAL (SELECT CASE WHEN w.every = 1 THEN coalesce(g.reserved, 0) ELSE 0 END AS reserved) AS held
ON CONFLICT DO NOTHING;
