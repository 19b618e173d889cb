-- holds: purchase_orders 60
-- holds: purchase_order_items 210
--
-- Half a year of orders to vendors, seen from the end of June 2026: the old ones are
-- delivered, the latest are drafts. The heads are written out; the lines are worked
-- out from what each vendor supplies, and every sum from the lines, so it adds up.
--
-- One statement, because head, lines and the vendor's totals belong together: an order
-- that is there already keeps the lines somebody may have changed since, and is not
-- counted twice.

WITH heads (po_number, vendor_code, order_date, lead_days, status, shipping, discount_percent, notes) AS (VALUES
    ('PO-2026-0001', 'V-012', DATE '2026-01-05', 10, 'delivered',  850,   0, NULL),
    ('PO-2026-0002', 'V-023', '2026-01-09', 14, 'delivered', 1500,   2, NULL),
    ('PO-2026-0003', 'V-006', '2026-01-13',  9, 'delivered', 2400,   0, NULL),
    ('PO-2026-0004', 'V-030', '2026-01-18', 21, 'delivered',  650,   3, 'Last order, plant closed in March'),
    ('PO-2026-0005', 'V-028', '2026-01-22',  7, 'delivered',    0, 1.5, NULL),
    ('PO-2026-0006', 'V-011', '2026-01-26', 10, 'delivered',  850,   0, NULL),
    ('PO-2026-0007', 'V-029', '2026-01-30', 14, 'delivered', 1500,   0, NULL),
    ('PO-2026-0008', 'V-005', '2026-02-03',  9, 'delivered', 2400,   2, NULL),
    ('PO-2026-0009', 'V-016', '2026-02-07', 21, 'delivered',  650,   0, NULL),
    ('PO-2026-0010', 'V-027', '2026-02-11',  7, 'delivered',    0,   3, NULL),
    ('PO-2026-0011', 'V-010', '2026-02-15', 10, 'delivered',  850, 1.5, NULL),
    ('PO-2026-0012', 'V-021', '2026-02-19', 14, 'delivered', 1500,   0, NULL),
    ('PO-2026-0013', 'V-004', '2026-02-23',  9, 'delivered', 2400,   0, NULL),
    ('PO-2026-0014', 'V-015', '2026-02-26', 21, 'delivered',  650,   2, NULL),
    ('PO-2026-0015', 'V-029', '2026-03-02',  7, 'cancelled',    0,   0, 'Cancelled: vendor suspended'),
    ('PO-2026-0016', 'V-009', '2026-03-06', 10, 'delivered',  850,   3, NULL),
    ('PO-2026-0017', 'V-020', '2026-03-10', 14, 'delivered', 1500, 1.5, NULL),
    ('PO-2026-0018', 'V-003', '2026-03-13',  9, 'delivered', 2400,   0, NULL),
    ('PO-2026-0019', 'V-014', '2026-03-17', 21, 'delivered',  650,   0, NULL),
    ('PO-2026-0020', 'V-025', '2026-03-20',  7, 'delivered',    0,   2, NULL),
    ('PO-2026-0021', 'V-008', '2026-03-24', 10, 'delivered',  850,   0, NULL),
    ('PO-2026-0022', 'V-019', '2026-03-27', 14, 'cancelled', 1500,   3, 'Cancelled: price revised'),
    ('PO-2026-0023', 'V-002', '2026-03-31',  9, 'delivered', 2400, 1.5, NULL),
    ('PO-2026-0024', 'V-013', '2026-04-03', 21, 'delivered',  650,   0, NULL),
    ('PO-2026-0025', 'V-024', '2026-04-07',  7, 'delivered',    0,   0, NULL),
    ('PO-2026-0026', 'V-007', '2026-04-10', 10, 'delivered',  850,   2, NULL),
    ('PO-2026-0027', 'V-018', '2026-04-13', 14, 'delivered', 1500,   0, NULL),
    ('PO-2026-0028', 'V-002', '2026-04-16',  9, 'delivered', 2400,   3, NULL),
    ('PO-2026-0029', 'V-013', '2026-04-19', 21, 'delivered',  650, 1.5, NULL),
    ('PO-2026-0030', 'V-024', '2026-04-22',  7, 'delivered',    0,   0, NULL),
    ('PO-2026-0031', 'V-007', '2026-04-26', 10, 'delivered',  850,   0, NULL),
    ('PO-2026-0032', 'V-018', '2026-04-29', 14, 'delivered', 1500,   2, NULL),
    ('PO-2026-0033', 'V-001', '2026-05-01',  9, 'delivered', 2400,   0, NULL),
    ('PO-2026-0034', 'V-012', '2026-05-04', 21, 'delivered',  650,   3, NULL),
    ('PO-2026-0035', 'V-023', '2026-05-07',  7, 'delivered',    0, 1.5, NULL),
    ('PO-2026-0036', 'V-006', '2026-05-10', 10, 'delivered',  850,   0, NULL),
    ('PO-2026-0037', 'V-017', '2026-05-13', 14, 'cancelled', 1500,   0, 'Cancelled: ordered by mistake'),
    ('PO-2026-0038', 'V-028', '2026-05-15',  9, 'delivered', 2400,   2, NULL),
    ('PO-2026-0039', 'V-011', '2026-05-18', 21, 'delivered',  650,   0, NULL),
    ('PO-2026-0040', 'V-022', '2026-05-21',  7, 'delivered',    0,   3, NULL),
    ('PO-2026-0041', 'V-005', '2026-05-23', 10, 'delivered',  850, 1.5, NULL),
    ('PO-2026-0042', 'V-016', '2026-05-26', 14, 'delivered', 1500,   0, NULL),
    ('PO-2026-0043', 'V-027', '2026-05-28',  9, 'delivered', 2400,   0, NULL),
    ('PO-2026-0044', 'V-010', '2026-05-30', 21, 'delivered',  650,   2, NULL),
    ('PO-2026-0045', 'V-021', '2026-06-01',  7, 'delivered',    0,   0, NULL),
    ('PO-2026-0046', 'V-004', '2026-06-04', 10, 'cancelled',  850,   3, 'Cancelled: vendor could not deliver'),
    ('PO-2026-0047', 'V-015', '2026-06-06', 14, 'shipped',   1500, 1.5, NULL),
    ('PO-2026-0048', 'V-026', '2026-06-08',  9, 'shipped',   2400,   0, NULL),
    ('PO-2026-0049', 'V-009', '2026-06-10', 21, 'shipped',    650,   0, NULL),
    ('PO-2026-0050', 'V-020', '2026-06-12',  7, 'shipped',      0,   2, NULL),
    ('PO-2026-0051', 'V-003', '2026-06-13', 10, 'shipped',    850,   0, NULL),
    ('PO-2026-0052', 'V-014', '2026-06-15', 14, 'shipped',   1500,   3, NULL),
    ('PO-2026-0053', 'V-025', '2026-06-17',  9, 'shipped',   2400, 1.5, NULL),
    ('PO-2026-0054', 'V-008', '2026-06-18', 21, 'confirmed',  650,   0, NULL),
    ('PO-2026-0055', 'V-019', '2026-06-20',  7, 'confirmed',    0,   0, NULL),
    ('PO-2026-0056', 'V-003', '2026-06-21', 10, 'confirmed',  850,   2, NULL),
    ('PO-2026-0057', 'V-014', '2026-06-22', 14, 'confirmed', 1500,   0, NULL),
    ('PO-2026-0058', 'V-025', '2026-06-23',  9, 'draft',     2400,   3, NULL),
    ('PO-2026-0059', 'V-008', '2026-06-24', 21, 'draft',      650, 1.5, NULL),
    ('PO-2026-0060', 'V-019', '2026-06-25',  7, 'draft',        0,   0, 'Waiting for the quotation')
), supplies (vendor_code, category) AS (VALUES
    ('V-001', 'Wires and cables'),
    ('V-002', 'Wires and cables'),
    ('V-003', 'Lighting'),
    ('V-004', 'Lighting'),
    ('V-005', 'Switches and sockets'),
    ('V-006', 'Switches and sockets'),
    ('V-007', 'Switchgear'),
    ('V-008', 'Fans'),
    ('V-009', 'Fans'),
    ('V-010', 'Pumps'),
    ('V-011', 'Pipes and fittings'),
    ('V-012', 'Pipes and fittings'),
    ('V-013', 'Taps and valves'),
    ('V-014', 'Hand tools'),
    ('V-015', 'Fasteners'),
    ('V-016', 'Power tools'),
    ('V-017', 'Abrasives'),
    ('V-018', 'Paints'),
    ('V-019', 'Paints'),
    ('V-020', 'Locks and fittings'),
    ('V-021', 'Locks and fittings'),
    ('V-022', 'Adhesives and sealants'),
    ('V-023', 'Cement'),
    ('V-024', 'Batteries and inverters'),
    ('V-025', 'Solar'),
    ('V-026', 'Farm and garden'),
    ('V-027', 'Safety'),
    ('V-028', 'Site supplies'),
    ('V-029', 'Locks and fittings'),
    ('V-030', 'Wires and cables')
), pool AS (
    SELECT s.vendor_code, p.id AS product_id, p.cost_price, p.tax_rate,
           row_number() OVER of_vendor - 1 AS place,
           count(*) OVER (PARTITION BY s.vendor_code) AS size
    FROM supplies AS s
    JOIN public.products AS p USING (category)
    -- A tenant may have products of its own; the demo orders only what it brought.
    WHERE p.id = md5(tenantctl.current_tenant() || ':product:' || p.sku)::uuid
    WINDOW of_vendor AS (PARTITION BY s.vendor_code ORDER BY p.sku COLLATE "C")
), orders AS (
    SELECT h.*, right(h.po_number, 4)::integer AS n, v.id AS vendor_id,
           md5(tenantctl.current_tenant() || ':purchase_order:' || h.po_number)::uuid AS id
    FROM heads AS h
    JOIN public.vendors AS v
      ON v.id = md5(tenantctl.current_tenant() || ':vendor:' || h.vendor_code)::uuid
), lines AS (
    SELECT o.id AS purchase_order_id, o.status, o.n,
           row_number() OVER (PARTITION BY o.id ORDER BY picked.turn)::integer AS line_no,
           picked.product_id, picked.tax_rate, picked.cost_price AS unit_price,
           (picked.pack * (1 + (o.n + picked.turn) % 4))::numeric(14,3) AS quantity
    FROM orders AS o
    CROSS JOIN LATERAL (
        -- Neighbours in the vendor's list, beginning somewhere else for each order.
        SELECT p.product_id, p.cost_price, p.tax_rate,
               (p.place + o.n * 3) % p.size AS turn,
               CASE WHEN p.cost_price < 100 THEN 200 WHEN p.cost_price < 500 THEN 60
                    WHEN p.cost_price < 2500 THEN 15 ELSE 4 END AS pack
        FROM pool AS p
        WHERE p.vendor_code = o.vendor_code
        ORDER BY turn
        LIMIT 2 + o.n % 4
    ) AS picked
), sums AS (
    SELECT purchase_order_id AS id,
           sum(round(quantity * unit_price, 2)) AS subtotal,
           sum(round(round(quantity * unit_price, 2) * tax_rate / 100, 2)) AS tax
    FROM lines
    GROUP BY purchase_order_id
), new_orders AS (
    INSERT INTO public.purchase_orders
        (id, tenant_id, po_number, vendor_id, order_date, expected_date, delivered_date,
         subtotal, tax, shipping, discount, total, notes, status)
    SELECT o.id, tenantctl.current_tenant(), o.po_number, o.vendor_id,
           o.order_date, o.order_date + o.lead_days,
           CASE WHEN o.status = 'delivered' THEN o.order_date + o.lead_days + o.n % 4 - 1 END,
           s.subtotal, s.tax, o.shipping, d.discount,
           s.subtotal + s.tax + o.shipping - d.discount,
           o.notes, o.status
    FROM orders AS o
    JOIN sums AS s USING (id)
    CROSS JOIN LATERAL (SELECT round(s.subtotal * o.discount_percent / 100, 2) AS discount) AS d
    ON CONFLICT DO NOTHING
    RETURNING id, vendor_id, status, total
), new_items AS (
    INSERT INTO public.purchase_order_items
        (id, tenant_id, purchase_order_id, product_id, line_no, quantity, received_quantity,
         unit_price, tax_rate)
    SELECT md5(l.purchase_order_id || ':' || l.line_no)::uuid, tenantctl.current_tenant(),
           l.purchase_order_id, l.product_id, l.line_no, l.quantity,
           -- Of some orders on their way, a part of the first line has come ahead.
           CASE WHEN l.status = 'delivered' THEN l.quantity
                WHEN l.status = 'shipped' AND l.line_no = 1 AND l.n % 2 = 0 THEN floor(l.quantity / 2)
                ELSE 0 END,
           l.unit_price, l.tax_rate
    FROM lines AS l
    JOIN new_orders AS o ON o.id = l.purchase_order_id
)
UPDATE public.vendors AS v
SET total_orders = v.total_orders + n.orders,
    total_spent = v.total_spent + n.spent
FROM (
    SELECT vendor_id, count(*)::integer AS orders, sum(total) AS spent
    FROM new_orders
    WHERE status IN ('confirmed', 'shipped', 'delivered')
    GROUP BY vendor_id
) AS n
WHERE v.id = n.vendor_id;
