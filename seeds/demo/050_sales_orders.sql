-- holds: sales_orders 80
-- holds: sales_order_items 320
--
-- Half a year of orders from twenty customers, seen from the end of June 2026. As with
-- the purchase orders, heads are written out, lines are worked out, sums come from the
-- lines, and an order that is there already is left as it is.

WITH customers (code, name, city, payment_terms, shipment_mode) AS (VALUES
    ('C-01', 'Mauli Electricals',            'Pune',       '30 days', 'road'),
    ('C-02', 'Shree Samarth Constructions',  'Pune',       '45 days', 'road'),
    ('C-03', 'Balaji Hardware Mart',         'Hyderabad',  '30 days', 'road'),
    ('C-04', 'Charminar Contractors',        'Hyderabad',  '45 days', 'road'),
    ('C-05', 'Gateway Facility Services',    'Mumbai',     '30 days', 'own vehicle'),
    ('C-06', 'Worli Interiors',              'Mumbai',     '15 days', 'own vehicle'),
    ('C-07', 'Godavari Farm Equipment',      'Nanded',     '15 days', 'rail'),
    ('C-08', 'Panchganga Sugar Works',       'Kolhapur',   '60 days', 'road'),
    ('C-09', 'Rankala Electric Stores',      'Kolhapur',   '30 days', 'road'),
    ('C-10', 'Sinhagad Builders',            'Pune',       '45 days', 'road'),
    ('C-11', 'Nizampet Power Solutions',     'Hyderabad',  '30 days', 'courier'),
    ('C-12', 'Thane Lake City Housing',      'Thane',      '45 days', 'own vehicle'),
    ('C-13', 'Kasara Ghat Dhaba and Fuel',   'Kasara',     'advance', 'pickup'),
    ('C-14', 'Aurangabad Cold Storage',      'Aurangabad', '30 days', 'road'),
    ('C-15', 'Malvan Beach Resorts',         'Malvan',     '30 days', 'rail'),
    ('C-16', 'Ujjwal Gram Panchayat Works',  'Satara',     '60 days', 'road'),
    ('C-17', 'Deccan Plateau Schools Trust', 'Solapur',    '45 days', 'road'),
    ('C-18', 'Fort Heritage Restorers',      'Mumbai',     '15 days', 'pickup'),
    ('C-19', 'Bidar Tool Room',              'Bidar',      'advance', 'courier'),
    ('C-20', 'Sangli Turmeric Exchange',     'Sangli',     '30 days', 'road')
), heads (so_number, customer_code, order_date, status, payment_status, shipping, discount_percent, notes) AS (VALUES
    ('SO-2026-0001', 'C-08', DATE '2026-01-06', 'delivered', 'paid',      600,   0, NULL),
    ('SO-2026-0002', 'C-15', '2026-01-09', 'delivered', 'paid',     1200,   5, NULL),
    ('SO-2026-0003', 'C-02', '2026-01-12', 'delivered', 'paid',      450,   0, NULL),
    ('SO-2026-0004', 'C-09', '2026-01-16', 'delivered', 'paid',      350, 2.5, NULL),
    ('SO-2026-0005', 'C-16', '2026-01-19', 'delivered', 'paid',      600,   0, NULL),
    ('SO-2026-0006', 'C-03', '2026-01-22', 'delivered', 'paid',     1200,   3, NULL),
    ('SO-2026-0007', 'C-10', '2026-01-25', 'delivered', 'paid',      450,   0, NULL),
    ('SO-2026-0008', 'C-17', '2026-01-28', 'delivered', 'paid',      350,   0, NULL),
    ('SO-2026-0009', 'C-04', '2026-01-31', 'delivered', 'partial',   600,   5, NULL),
    ('SO-2026-0010', 'C-11', '2026-02-04', 'delivered', 'paid',     1200,   0, NULL),
    ('SO-2026-0011', 'C-18', '2026-02-07', 'delivered', 'paid',        0, 2.5, NULL),
    ('SO-2026-0012', 'C-05', '2026-02-10', 'cancelled', 'unpaid',      0,   0, 'Cancelled: site closed'),
    ('SO-2026-0013', 'C-12', '2026-02-13', 'delivered', 'paid',        0,   3, NULL),
    ('SO-2026-0014', 'C-19', '2026-02-16', 'delivered', 'paid',     1200,   0, NULL),
    ('SO-2026-0015', 'C-06', '2026-02-19', 'delivered', 'paid',        0,   0, NULL),
    ('SO-2026-0016', 'C-13', '2026-02-22', 'delivered', 'paid',        0,   5, NULL),
    ('SO-2026-0017', 'C-20', '2026-02-24', 'delivered', 'paid',      600,   0, NULL),
    ('SO-2026-0018', 'C-07', '2026-02-27', 'delivered', 'partial',  1200, 2.5, NULL),
    ('SO-2026-0019', 'C-14', '2026-03-02', 'delivered', 'paid',      450,   0, NULL),
    ('SO-2026-0020', 'C-02', '2026-03-05', 'delivered', 'paid',      350,   3, NULL),
    ('SO-2026-0021', 'C-09', '2026-03-08', 'delivered', 'paid',      600,   0, NULL),
    ('SO-2026-0022', 'C-16', '2026-03-11', 'delivered', 'paid',     1200,   0, NULL),
    ('SO-2026-0023', 'C-03', '2026-03-14', 'delivered', 'paid',      450,   5, NULL),
    ('SO-2026-0024', 'C-10', '2026-03-16', 'delivered', 'paid',      350,   0, NULL),
    ('SO-2026-0025', 'C-17', '2026-03-19', 'delivered', 'paid',      600, 2.5, NULL),
    ('SO-2026-0026', 'C-04', '2026-03-22', 'delivered', 'paid',     1200,   0, NULL),
    ('SO-2026-0027', 'C-11', '2026-03-25', 'delivered', 'partial',   450,   3, NULL),
    ('SO-2026-0028', 'C-18', '2026-03-27', 'delivered', 'paid',        0,   0, NULL),
    ('SO-2026-0029', 'C-05', '2026-03-30', 'cancelled', 'refunded',    0,   0, 'Cancelled: paid twice, second order returned'),
    ('SO-2026-0030', 'C-12', '2026-04-01', 'delivered', 'paid',        0,   5, NULL),
    ('SO-2026-0031', 'C-19', '2026-04-04', 'delivered', 'paid',      450,   0, NULL),
    ('SO-2026-0032', 'C-06', '2026-04-07', 'delivered', 'paid',        0, 2.5, NULL),
    ('SO-2026-0033', 'C-13', '2026-04-09', 'delivered', 'paid',        0,   0, NULL),
    ('SO-2026-0034', 'C-20', '2026-04-12', 'delivered', 'paid',     1200,   3, NULL),
    ('SO-2026-0035', 'C-07', '2026-04-14', 'delivered', 'paid',      450,   0, NULL),
    ('SO-2026-0036', 'C-14', '2026-04-17', 'delivered', 'partial',   350,   0, NULL),
    ('SO-2026-0037', 'C-01', '2026-04-19', 'delivered', 'paid',      600,   5, NULL),
    ('SO-2026-0038', 'C-08', '2026-04-21', 'delivered', 'paid',     1200,   0, NULL),
    ('SO-2026-0039', 'C-15', '2026-04-24', 'delivered', 'paid',      450, 2.5, NULL),
    ('SO-2026-0040', 'C-03', '2026-04-26', 'delivered', 'paid',      350,   0, NULL),
    ('SO-2026-0041', 'C-10', '2026-04-28', 'delivered', 'paid',      600,   3, NULL),
    ('SO-2026-0042', 'C-17', '2026-05-01', 'delivered', 'partial',  1200,   0, NULL),
    ('SO-2026-0043', 'C-04', '2026-05-03', 'delivered', 'unpaid',    450,   0, NULL),
    ('SO-2026-0044', 'C-11', '2026-05-05', 'delivered', 'paid',      350,   5, NULL),
    ('SO-2026-0045', 'C-18', '2026-05-07', 'delivered', 'partial',     0,   0, NULL),
    ('SO-2026-0046', 'C-05', '2026-05-10', 'delivered', 'unpaid',      0, 2.5, NULL),
    ('SO-2026-0047', 'C-12', '2026-05-12', 'delivered', 'paid',        0,   0, NULL),
    ('SO-2026-0048', 'C-19', '2026-05-14', 'cancelled', 'unpaid',    350,   3, 'Cancelled: customer bought elsewhere'),
    ('SO-2026-0049', 'C-06', '2026-05-16', 'delivered', 'unpaid',      0,   0, NULL),
    ('SO-2026-0050', 'C-13', '2026-05-18', 'delivered', 'paid',        0,   0, NULL),
    ('SO-2026-0051', 'C-20', '2026-05-20', 'delivered', 'partial',   450,   5, NULL),
    ('SO-2026-0052', 'C-07', '2026-05-22', 'delivered', 'unpaid',    350,   0, NULL),
    ('SO-2026-0053', 'C-14', '2026-05-24', 'delivered', 'paid',      600, 2.5, NULL),
    ('SO-2026-0054', 'C-01', '2026-05-26', 'delivered', 'partial',  1200,   0, NULL),
    ('SO-2026-0055', 'C-08', '2026-05-28', 'delivered', 'unpaid',    450,   3, NULL),
    ('SO-2026-0056', 'C-15', '2026-05-30', 'delivered', 'paid',      350,   0, NULL),
    ('SO-2026-0057', 'C-02', '2026-05-31', 'delivered', 'partial',   600,   0, NULL),
    ('SO-2026-0058', 'C-09', '2026-06-02', 'delivered', 'unpaid',   1200,   5, NULL),
    ('SO-2026-0059', 'C-16', '2026-06-04', 'delivered', 'paid',      450,   0, NULL),
    ('SO-2026-0060', 'C-04', '2026-06-06', 'delivered', 'partial',   350, 2.5, NULL),
    ('SO-2026-0061', 'C-11', '2026-06-07', 'delivered', 'unpaid',    600,   0, NULL),
    ('SO-2026-0062', 'C-18', '2026-06-09', 'delivered', 'paid',        0,   3, NULL),
    ('SO-2026-0063', 'C-05', '2026-06-10', 'shipped',   'partial',     0,   0, NULL),
    ('SO-2026-0064', 'C-12', '2026-06-12', 'shipped',   'unpaid',      0,   0, NULL),
    ('SO-2026-0065', 'C-19', '2026-06-13', 'cancelled', 'refunded',  600,   5, 'Cancelled: damaged before loading'),
    ('SO-2026-0066', 'C-06', '2026-06-15', 'shipped',   'partial',     0,   0, NULL),
    ('SO-2026-0067', 'C-13', '2026-06-16', 'shipped',   'paid',        0, 2.5, NULL),
    ('SO-2026-0068', 'C-20', '2026-06-18', 'shipped',   'unpaid',    350,   0, NULL),
    ('SO-2026-0069', 'C-07', '2026-06-19', 'shipped',   'partial',   600,   3, NULL),
    ('SO-2026-0070', 'C-14', '2026-06-20', 'confirmed', 'unpaid',   1200,   0, NULL),
    ('SO-2026-0071', 'C-01', '2026-06-21', 'confirmed', 'unpaid',    450,   0, NULL),
    ('SO-2026-0072', 'C-08', '2026-06-22', 'confirmed', 'unpaid',    350,   5, NULL),
    ('SO-2026-0073', 'C-15', '2026-06-23', 'confirmed', 'unpaid',    600,   0, NULL),
    ('SO-2026-0074', 'C-02', '2026-06-24', 'confirmed', 'unpaid',   1200, 2.5, NULL),
    ('SO-2026-0075', 'C-09', '2026-06-25', 'confirmed', 'unpaid',    450,   0, NULL),
    ('SO-2026-0076', 'C-16', '2026-06-26', 'confirmed', 'unpaid',    350,   3, NULL),
    ('SO-2026-0077', 'C-03', '2026-06-27', 'draft',     'unpaid',    600,   0, NULL),
    ('SO-2026-0078', 'C-10', '2026-06-28', 'draft',     'unpaid',   1200,   0, NULL),
    ('SO-2026-0079', 'C-17', '2026-06-28', 'draft',     'unpaid',    450,   5, NULL),
    ('SO-2026-0080', 'C-05', '2026-06-29', 'draft',     'unpaid',      0,   0, NULL)
), pool AS (
    SELECT p.id AS product_id, p.selling_price, p.tax_rate,
           row_number() OVER (ORDER BY p.sku COLLATE "C") - 1 AS place,
           count(*) OVER () AS size
    FROM public.products AS p
    -- A tenant may have products of its own; the demo sells only what it brought.
    WHERE p.id = md5(tenantctl.current_tenant() || ':product:' || p.sku)::uuid
      AND p.status = 'active'
), orders AS (
    SELECT h.*, c.name, c.city, c.payment_terms, c.shipment_mode,
           right(h.so_number, 4)::integer AS n,
           md5(tenantctl.current_tenant() || ':sales_order:' || h.so_number)::uuid AS id
    FROM heads AS h
    JOIN customers AS c ON c.code = h.customer_code
), lines AS (
    SELECT o.id AS sales_order_id, o.status,
           row_number() OVER (PARTITION BY o.id ORDER BY picked.turn)::integer AS line_no,
           picked.product_id, picked.tax_rate, picked.selling_price AS unit_price,
           (picked.pack * (1 + (o.n + picked.turn) % 5))::numeric(14,3) AS quantity
    FROM orders AS o
    CROSS JOIN LATERAL (
        -- Big strides through the list: a customer buys across the whole range.
        SELECT p.product_id, p.selling_price, p.tax_rate, turn,
               CASE WHEN p.selling_price < 100 THEN 12 WHEN p.selling_price < 500 THEN 5
                    WHEN p.selling_price < 2500 THEN 2 ELSE 1 END AS pack
        FROM generate_series(1, 2 + o.n % 5) AS turn
        JOIN pool AS p ON p.place = (o.n * 17 + turn * 53) % p.size
    ) AS picked
), sums AS (
    SELECT sales_order_id AS id,
           sum(round(quantity * unit_price, 2)) AS subtotal,
           sum(round(round(quantity * unit_price, 2) * tax_rate / 100, 2)) AS tax
    FROM lines
    GROUP BY sales_order_id
), new_orders AS (
    INSERT INTO public.sales_orders
        (id, tenant_id, so_number, customer_id, customer_name, order_date, delivery_date,
         shipment_mode, tracking_number, payment_terms, payment_status,
         subtotal, tax, shipping, discount, total, notes, status)
    SELECT o.id, tenantctl.current_tenant(), o.so_number,
           md5(tenantctl.current_tenant() || ':customer:' || o.customer_code)::uuid,
           o.name || ', ' || o.city,
           o.order_date,
           CASE WHEN o.status IN ('shipped', 'delivered') THEN o.order_date + 2 + o.n % 5 END,
           o.shipment_mode,
           CASE WHEN o.status IN ('shipped', 'delivered') AND o.shipment_mode IN ('road', 'rail', 'courier')
                THEN 'DEMO' || lpad((o.n * 7919)::text, 8, '0') END,
           o.payment_terms, o.payment_status,
           s.subtotal, s.tax, o.shipping, d.discount,
           s.subtotal + s.tax + o.shipping - d.discount,
           o.notes, o.status
    FROM orders AS o
    JOIN sums AS s USING (id)
    CROSS JOIN LATERAL (SELECT round(s.subtotal * o.discount_percent / 100, 2) AS discount) AS d
    ON CONFLICT DO NOTHING
    RETURNING id
)
INSERT INTO public.sales_order_items
    (id, tenant_id, sales_order_id, product_id, line_no, quantity, received_quantity,
     unit_price, tax_rate)
SELECT md5(l.sales_order_id || ':' || l.line_no)::uuid, tenantctl.current_tenant(),
       l.sales_order_id, l.product_id, l.line_no, l.quantity,
       CASE WHEN l.status = 'delivered' THEN l.quantity ELSE 0 END,
       l.unit_price, l.tax_rate
FROM lines AS l
JOIN new_orders AS o ON o.id = l.sales_order_id;
