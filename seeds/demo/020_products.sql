-- holds: products 235
--
-- Each row is a family; its variants and what they cost stand below it, and every
-- variant is a product. HSN codes and GST rates (0, 5, 12, 18, 28) are of the kind the
-- trade uses; take them as examples, not as tax advice. Barcodes are valid EAN-13 from
-- the range that shops use among themselves, so none belongs to a real article.

WITH families (code, category, name, unit, hsn_code, tax_rate, margin, status, variants, costs) AS (VALUES
    -- Wires and cables
    ('WFR', 'Wires and cables',        'FR copper wire, 90 m coil',            'coil', '85444999', 18, 14, 'active',
        ARRAY['0.75 sq mm', '1.0 sq mm', '1.5 sq mm', '2.5 sq mm', '4.0 sq mm', '6.0 sq mm'], ARRAY[1180, 1540, 2260, 3620, 5410, 8050]),
    ('WFX', 'Wires and cables',        'Flexible 3-core round cable',          'm',    '85444999', 18, 16, 'active',
        ARRAY['0.75 sq mm', '1.0 sq mm', '1.5 sq mm', '2.5 sq mm'], ARRAY[38.50, 49, 71.50, 114]),
    ('WAR', 'Wires and cables',        'Armoured aluminium cable, 4-core',     'm',    '85446020', 18, 12, 'active',
        ARRAY['10 sq mm', '16 sq mm', '25 sq mm', '35 sq mm'], ARRAY[128, 172, 236, 318]),
    ('WLN', 'Wires and cables',        'Cat 6 network cable, 305 m box',       'box',  '85444220', 18, 15, 'active',
        ARRAY['U/UTP', 'F/UTP'], ARRAY[6450, 8900]),

    -- Lighting
    ('LLB', 'Lighting',                'LED bulb, B22',                        'pcs',  '85395200', 18, 28, 'active',
        ARRAY['5 W', '7 W', '9 W', '12 W', '15 W', '20 W'], ARRAY[42, 48, 55, 88, 118, 190]),
    ('LTB', 'Lighting',                'LED batten, 4 ft',                     'pcs',  '94051100', 18, 26, 'active',
        ARRAY['18 W', '20 W', '22 W', '36 W'], ARRAY[148, 162, 178, 265]),
    ('LPN', 'Lighting',                'LED panel, round',                     'pcs',  '94051100', 18, 30, 'active',
        ARRAY['6 W', '8 W', '12 W', '15 W', '18 W', '22 W'], ARRAY[128, 152, 216, 264, 318, 392]),
    ('LFL', 'Lighting',                'LED flood light, IP65',                'pcs',  '94054200', 18, 24, 'active',
        ARRAY['30 W', '50 W', '100 W', '200 W'], ARRAY[540, 790, 1480, 2960]),
    ('LST', 'Lighting',                'LED street light',                     'pcs',  '94054200', 18, 22, 'active',
        ARRAY['24 W', '45 W', '72 W'], ARRAY[820, 1340, 2050]),
    ('LCF', 'Lighting',                'CFL lamp, B22',                        'pcs',  '853931',   18, 20, 'discontinued',
        ARRAY['15 W', '23 W'], ARRAY[92, 138]),
    ('LKL', 'Lighting',                'Hurricane lantern, kerosene',          'pcs',  '9405',      5, 18, 'active',
        ARRAY['200 ml tank', '450 ml tank'], ARRAY[230, 310]),

    -- Switches and sockets
    ('SWM', 'Switches and sockets',    'Modular switch',                       'pcs',  '85365090', 18, 32, 'active',
        ARRAY['6 A one-way', '6 A two-way', '16 A one-way', '6 A bell push'], ARRAY[34, 52, 74, 58]),
    ('SOC', 'Switches and sockets',    'Modular socket',                       'pcs',  '85366990', 18, 32, 'active',
        ARRAY['6 A 3-pin', '16 A 3-pin', '6 A 2-pin', 'USB charger 2.1 A'], ARRAY[68, 104, 46, 420]),
    ('SPL', 'Switches and sockets',    'Modular plate, white',                 'pcs',  '85389000', 18, 30, 'active',
        ARRAY['1 module', '2 module', '3 module', '4 module', '6 module', '8 module', '12 module'], ARRAY[42, 48, 58, 72, 96, 124, 168]),
    ('SHL', 'Switches and sockets',    'Lamp holder, B22',                     'pcs',  '85366110', 18, 35, 'active',
        ARRAY['batten', 'angle', 'pendant'], ARRAY[22, 25, 18]),
    ('SXB', 'Switches and sockets',    'Extension board, 3 m cord',            'pcs',  '85366990', 18, 25, 'active',
        ARRAY['4 socket', '6 socket'], ARRAY[310, 440]),

    -- Switchgear
    ('GMC', 'Switchgear',              'MCB, single pole, C curve',            'pcs',  '85362030', 18, 24, 'active',
        ARRAY['6 A', '10 A', '16 A', '20 A', '25 A', '32 A', '40 A'], ARRAY[108, 108, 108, 112, 116, 118, 236]),
    ('GMD', 'Switchgear',              'MCB, double pole, C curve',            'pcs',  '85362030', 18, 24, 'active',
        ARRAY['16 A', '32 A', '40 A', '63 A'], ARRAY[342, 356, 498, 540]),
    ('GRC', 'Switchgear',              'RCCB, 30 mA',                          'pcs',  '85362040', 18, 22, 'active',
        ARRAY['25 A 2-pole', '40 A 2-pole', '63 A 4-pole'], ARRAY[1120, 1290, 2180]),
    ('GDB', 'Switchgear',              'Distribution board, double door',      'pcs',  '85371000', 18, 20, 'active',
        ARRAY['4 way SPN', '8 way SPN', '12 way SPN', '6 way TPN'], ARRAY[620, 890, 1240, 2480]),

    -- Fans
    ('FCL', 'Fans',                    'Ceiling fan, 1200 mm',                 'pcs',  '84145120', 18, 18, 'active',
        ARRAY['white', 'brown', 'ivory', 'BLDC, white'], ARRAY[1180, 1180, 1210, 2140]),
    ('FEX', 'Fans',                    'Exhaust fan, metal',                   'pcs',  '84145930', 18, 20, 'active',
        ARRAY['150 mm', '200 mm', '250 mm', '300 mm'], ARRAY[720, 880, 1060, 1340]),
    ('FMV', 'Fans',                    'Moving fan, 400 mm',                   'pcs',  '84145110', 18, 18, 'active',
        ARRAY['table', 'pedestal', 'wall'], ARRAY[1390, 1840, 1560]),

    -- Pumps
    ('PMM', 'Pumps',                   'Monoblock pump',                       'pcs',  '84137010', 18, 16, 'active',
        ARRAY['0.5 HP', '1.0 HP', '1.5 HP', '2.0 HP'], ARRAY[2460, 3680, 5240, 6890]),
    ('PSB', 'Pumps',                   'Borewell submersible pump, 4 inch',    'pcs',  '84137010', 18, 15, 'active',
        ARRAY['1.0 HP', '1.5 HP', '2.0 HP'], ARRAY[8450, 10900, 13800]),
    ('PHD', 'Pumps',                   'Hand pump',                            'pcs',  '84132000',  5, 14, 'active',
        ARRAY['shallow well No. 6', 'deep well head'], ARRAY[1480, 3950]),

    -- Pipes and fittings
    ('PUP', 'Pipes and fittings',      'uPVC pipe, 3 m',                       'pcs',  '39172390', 18, 18, 'active',
        ARRAY['15 mm', '20 mm', '25 mm', '32 mm', '40 mm', '50 mm'], ARRAY[98, 128, 176, 248, 322, 456]),
    ('PCP', 'Pipes and fittings',      'CPVC pipe, 3 m',                       'pcs',  '39172390', 18, 20, 'active',
        ARRAY['15 mm', '20 mm', '25 mm', '32 mm'], ARRAY[182, 286, 438, 672]),
    ('PFE', 'Pipes and fittings',      'CPVC elbow, 90 degrees',               'pcs',  '39174000', 18, 34, 'active',
        ARRAY['15 mm', '20 mm', '25 mm', '32 mm'], ARRAY[8.40, 13.20, 22.50, 41]),
    ('PFT', 'Pipes and fittings',      'CPVC tee',                             'pcs',  '39174000', 18, 34, 'active',
        ARRAY['15 mm', '20 mm', '25 mm', '32 mm'], ARRAY[11.60, 18.40, 31, 58.50]),

    -- Taps and valves
    ('TBC', 'Taps and valves',         'Bib cock, chrome plated brass',        'pcs',  '84818020', 18, 28, 'active',
        ARRAY['short body', 'long body', 'two-way'], ARRAY[286, 342, 498]),
    ('TBV', 'Taps and valves',         'Ball valve, brass',                    'pcs',  '84818030', 18, 26, 'active',
        ARRAY['15 mm', '20 mm', '25 mm', '40 mm', '50 mm'], ARRAY[188, 274, 412, 890, 1390]),

    -- Hand tools
    ('HPL', 'Hand tools',              'Pliers, insulated',                    'pcs',  '82032000', 18, 28, 'active',
        ARRAY['combination 200 mm', 'long nose 150 mm', 'side cutter 150 mm'], ARRAY[236, 198, 204]),
    ('HSD', 'Hand tools',              'Screwdriver',                          'pcs',  '82054000', 18, 35, 'active',
        ARRAY['flat 100 mm', 'flat 150 mm', 'Phillips No. 2', 'line tester'], ARRAY[62, 84, 78, 28]),
    ('HSP', 'Hand tools',              'Spanner set',                          'set',  '82041110', 18, 24, 'active',
        ARRAY['open ended, 8 pcs', 'ring, 8 pcs'], ARRAY[540, 690]),
    ('HHM', 'Hand tools',              'Hammer',                               'pcs',  '82052000', 18, 26, 'active',
        ARRAY['claw 500 g', 'ball pein 300 g', 'mason 1 kg'], ARRAY[264, 186, 342]),

    -- Farm and garden
    ('ASP', 'Farm and garden',         'Farm tool',                            'pcs',  '8201',      0, 20, 'active',
        ARRAY['spade', 'sickle', 'pickaxe', 'felling axe', 'garden fork'], ARRAY[212, 74, 318, 386, 248]),
    ('ASK', 'Farm and garden',         'Sprinkler',                            'pcs',  '84248200', 12, 22, 'active',
        ARRAY['brass, 20 mm', 'butterfly, 15 mm', 'rain gun, 32 mm'], ARRAY[168, 42, 2150]),
    ('ASY', 'Farm and garden',         'Knapsack sprayer',                     'pcs',  '84244100', 12, 18, 'active',
        ARRAY['12 l', '16 l'], ARRAY[880, 1060]),

    -- Fasteners
    ('FSW', 'Fasteners',               'Self-tapping screw, box of 100',       'box',  '73181400', 18, 32, 'active',
        ARRAY['6 x 13 mm', '6 x 25 mm', '8 x 25 mm', '8 x 38 mm', '8 x 50 mm'], ARRAY[38, 52, 74, 96, 128]),
    ('FHB', 'Fasteners',               'Hex bolt with nut, pack of 50',        'pack', '73181500', 18, 26, 'active',
        ARRAY['M6 x 25', 'M8 x 40', 'M10 x 50', 'M12 x 75'], ARRAY[142, 268, 472, 890]),
    ('FAN', 'Fasteners',               'Anchor bolt, pack of 25',              'pack', '73181900', 18, 28, 'active',
        ARRAY['M8', 'M10', 'M12'], ARRAY[236, 362, 548]),

    -- Power tools
    ('TDR', 'Power tools',             'Impact drill',                         'pcs',  '84672100', 18, 20, 'active',
        ARRAY['10 mm, 450 W', '13 mm, 650 W'], ARRAY[1680, 2390]),
    ('TGR', 'Power tools',             'Angle grinder',                        'pcs',  '84672900', 18, 20, 'active',
        ARRAY['100 mm, 850 W', '125 mm, 1100 W'], ARRAY[1890, 2960]),
    ('TRH', 'Power tools',             'Rotary hammer',                        'pcs',  '84672100', 18, 18, 'active',
        ARRAY['20 mm, 500 W', '26 mm, 800 W'], ARRAY[3480, 4790]),

    -- Abrasives
    ('BCW', 'Abrasives',               'Cut-off wheel, metal',                 'pcs',  '68042290', 18, 36, 'active',
        ARRAY['100 mm', '125 mm', '355 mm'], ARRAY[22, 31, 142]),
    ('BSP', 'Abrasives',               'Waterproof abrasive paper, 50 sheets', 'pack', '68052040', 18, 30, 'active',
        ARRAY['grit 80', 'grit 120', 'grit 220', 'grit 400'], ARRAY[410, 395, 390, 390]),

    -- Paints
    ('NEX', 'Paints',                  'Exterior emulsion, white',             'can',  '32091010', 18, 22, 'active',
        ARRAY['1 l', '4 l', '10 l', '20 l'], ARRAY[248, 940, 2260, 4380]),
    ('NIN', 'Paints',                  'Interior emulsion, white',             'can',  '32091010', 18, 22, 'active',
        ARRAY['1 l', '4 l', '10 l', '20 l'], ARRAY[186, 702, 1680, 3240]),
    ('NEN', 'Paints',                  'Synthetic enamel, white',              'can',  '32089019', 18, 24, 'active',
        ARRAY['500 ml', '1 l', '4 l'], ARRAY[142, 268, 1020]),
    ('NPU', 'Paints',                  'Wall putty',                           'bag',  '32141000', 18, 15, 'active',
        ARRAY['5 kg', '20 kg', '40 kg'], ARRAY[168, 540, 890]),

    -- Locks and fittings
    ('KPD', 'Locks and fittings',      'Padlock, brass, 3 keys',               'pcs',  '83011000', 18, 30, 'active',
        ARRAY['40 mm', '50 mm', '65 mm'], ARRAY[168, 236, 362]),
    ('KMO', 'Locks and fittings',      'Mortice lock set',                     'set',  '83014090', 18, 26, 'active',
        ARRAY['150 mm', '200 mm'], ARRAY[890, 1140]),
    ('KHG', 'Locks and fittings',      'Butt hinge, stainless, pair',          'pair', '83021010', 18, 32, 'active',
        ARRAY['75 mm', '100 mm', '125 mm'], ARRAY[58, 84, 126]),

    -- Adhesives and sealants
    ('DSC', 'Adhesives and sealants',  'PVC solvent cement',                   'tin',  '35069190', 18, 30, 'active',
        ARRAY['50 ml', '118 ml', '237 ml'], ARRAY[32, 62, 108]),
    ('DSI', 'Adhesives and sealants',  'Silicone sealant, 280 ml',             'pcs',  '32141000', 18, 28, 'active',
        ARRAY['clear', 'white', 'black'], ARRAY[148, 148, 152]),
    ('DWA', 'Adhesives and sealants',  'Wood adhesive',                        'pcs',  '35069110', 18, 24, 'active',
        ARRAY['500 g', '1 kg', '5 kg'], ARRAY[98, 182, 860]),

    -- Cement
    ('CMT', 'Cement',                  'Cement',                               'bag',  '25232930', 28,  8, 'active',
        ARRAY['OPC 53, 50 kg', 'PPC, 50 kg', 'PSC, 50 kg'], ARRAY[352, 328, 318]),
    ('CWH', 'Cement',                  'White cement',                         'bag',  '25232100', 28, 14, 'active',
        ARRAY['1 kg', '5 kg', '25 kg'], ARRAY[24, 108, 486]),

    -- Batteries and inverters
    ('EBT', 'Batteries and inverters', 'Tubular inverter battery',             'pcs',  '85072000', 28, 12, 'active',
        ARRAY['100 Ah', '150 Ah', '200 Ah'], ARRAY[8450, 11800, 15400]),
    ('EBS', 'Batteries and inverters', 'Sealed battery, 12 V',                 'pcs',  '85072000', 28, 16, 'active',
        ARRAY['7 Ah', '18 Ah'], ARRAY[780, 2240]),
    ('EIN', 'Batteries and inverters', 'Pure sine wave inverter',              'pcs',  '85044010', 18, 14, 'active',
        ARRAY['700 VA', '1100 VA', '1500 VA'], ARRAY[3980, 5240, 7650]),

    -- Solar
    ('YPN', 'Solar',                   'Solar panel, monocrystalline',         'pcs',  '85414300', 12, 12, 'active',
        ARRAY['100 W', '165 W', '335 W'], ARRAY[3150, 4960, 8720]),
    ('YLT', 'Solar',                   'Solar lantern',                        'pcs',  '94055000', 12, 20, 'active',
        ARRAY['2 W', '5 W'], ARRAY[420, 760]),

    -- Safety
    ('ZHL', 'Safety',                  'Safety helmet, ratchet',               'pcs',  '65061090', 18, 28, 'active',
        ARRAY['white', 'yellow', 'blue'], ARRAY[148, 148, 148]),
    ('ZGL', 'Safety',                  'Knitted work gloves, 12 pairs',        'pack', '61161000',  5, 30, 'active',
        ARRAY['cotton', 'PVC dotted'], ARRAY[168, 236]),
    ('ZVS', 'Safety',                  'Reflective vest',                      'pcs',  '62113300',  5, 34, 'inactive',
        ARRAY['orange', 'green'], ARRAY[78, 78]),

    -- Site supplies
    ('QGB', 'Site supplies',           'Gunny bag, jute, 10 pcs',              'pack', '63051030',  5, 22, 'active',
        ARRAY['50 kg', '100 kg'], ARRAY[310, 468]),
    ('QBR', 'Site supplies',           'Broom',                                'pcs',  '96031000',  0, 30, 'active',
        ARRAY['grass', 'coconut stick'], ARRAY[62, 38])
), articles AS (
    SELECT f.*, v.variant, v.cost, v.place,
           f.code || '-' || lpad(v.place::text, 2, '0') AS sku,
           -- Eleven digits that differ for every article, behind the 2 of in-house codes.
           '2' || lpad((dense_rank() OVER (ORDER BY f.code COLLATE "C") * 100 + v.place)::text, 11, '0') AS digits
    FROM families AS f
    CROSS JOIN LATERAL unnest(f.variants, f.costs) WITH ORDINALITY AS v (variant, cost, place)
)
INSERT INTO public.products
    (id, tenant_id, sku, name, description, category, unit, cost_price, selling_price,
     hsn_code, tax_rate, barcode, reorder_level, reorder_quantity, attributes, status)
SELECT md5(tenantctl.current_tenant() || ':product:' || a.sku)::uuid,
       tenantctl.current_tenant(),
       a.sku,
       a.name || ', ' || a.variant,
       a.name || ', ' || a.variant || '. Sold by the '
           || CASE a.unit WHEN 'pcs' THEN 'piece' WHEN 'm' THEN 'metre' ELSE a.unit END || '.',
       a.category, a.unit,
       a.cost,
       round(a.cost * (100 + a.margin) / 100, 2),
       a.hsn_code, a.tax_rate,
       a.digits || (
           SELECT (10 - sum(substr(a.digits, i, 1)::integer * CASE WHEN i % 2 = 0 THEN 3 ELSE 1 END) % 10) % 10
           FROM generate_series(1, 12) AS i),
       stock.level, stock.level * 2,
       jsonb_build_object('family', a.code, 'variant', a.variant),
       a.status
FROM articles AS a
-- What is cheap is kept by the hundred, what is dear by the piece.
CROSS JOIN LATERAL (SELECT CASE
    WHEN a.cost < 100 THEN 120
    WHEN a.cost < 500 THEN 60
    WHEN a.cost < 2500 THEN 20
    ELSE 6 END AS level) AS stock
ON CONFLICT DO NOTHING;
