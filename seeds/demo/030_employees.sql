-- holds: employees 30
--
-- The staff of the distributor. Aadhaar and PAN have the right form and belong to
-- nobody: no Aadhaar begins with 0, and no PAN has this series. Who never signed in
-- (drivers, loaders) has no auth user.

INSERT INTO public.employees
    (id, tenant_id, employee_code, full_name, email, department, designation, role, roles,
     permissions, auth_user_id, aadhaar, pan, address, last_login_at, login_count,
     preferences, status)
SELECT md5(tenantctl.current_tenant() || ':employee:' || e.code)::uuid,
       tenantctl.current_tenant(),
       e.code, e.full_name,
       lower(replace(e.full_name, ' ', '.')) || '@example.com',
       e.department, e.designation, e.role,
       array_prepend(e.role, e.more_roles::text[]),
       r.permissions,
       CASE WHEN e.login_count > 0
            THEN md5(tenantctl.current_tenant() || ':auth_user:' || e.code)::uuid END,
       '000000000' || right(e.code, 3),
       'ZZZPZ0' || right(e.code, 3) || 'Z',
       jsonb_build_object('city', e.city, 'country', 'IN'),
       (e.last_login || ' +05:30')::timestamptz,
       e.login_count,
       CASE WHEN e.login_count > 0
            THEN jsonb_build_object('language', 'en-IN', 'timezone', 'Asia/Kolkata')
            ELSE '{}' END,
       e.status
FROM (VALUES
    ('E-001', 'Vasudha Joshi',      'Management', 'Managing director',        'owner',       '{admin,approver}', 'Mumbai',    412, '2026-06-29 09:12', 'active'),
    ('E-002', 'Rohan Joshi',        'Management', 'Director, operations',     'admin',       '{approver}',       'Mumbai',    655, '2026-06-30 08:47', 'active'),
    ('E-003', 'Meenakshi Iyer',     'Accounts',   'Chief accountant',         'accountant',  '{approver}',       'Mumbai',    588, '2026-06-30 10:02', 'active'),
    ('E-004', 'Abdul Karim Shaikh', 'Purchase',   'Purchase manager',         'buyer',       '{approver}',       'Bhiwandi',  604, '2026-06-30 09:31', 'active'),
    ('E-005', 'Sneha Kulkarni',     'Sales',      'Sales manager, west',      'seller',      '{approver}',       'Pune',      571, '2026-06-30 09:05', 'active'),
    ('E-006', 'Venkata Ramana Rao', 'Sales',      'Sales manager, south',     'seller',      '{approver}',       'Hyderabad', 498, '2026-06-29 18:20', 'active'),
    ('E-007', 'Prakash Gaikwad',    'Warehouse',  'Warehouse manager',        'storekeeper', '{approver}',       'Bhiwandi',  702, '2026-06-30 07:55', 'active'),
    ('E-008', 'Savita Mane',        'Warehouse',  'Warehouse supervisor',     'storekeeper', '{}',               'Chakan',    533, '2026-06-30 08:10', 'active'),
    ('E-009', 'Mohammed Yusuf',     'Warehouse',  'Warehouse supervisor',     'storekeeper', '{}',               'Hyderabad', 467, '2026-06-30 08:22', 'active'),
    ('E-010', 'Ritu Saxena',        'Systems',    'Systems administrator',    'admin',       '{}',               'Mumbai',    811, '2026-06-30 11:40', 'active'),
    ('E-011', 'Gaurav Pawar',       'Purchase',   'Buyer, electrical',        'buyer',       '{}',               'Bhiwandi',  389, '2026-06-30 10:15', 'active'),
    ('E-012', 'Shalini Nair',       'Purchase',   'Buyer, hardware',          'buyer',       '{}',               'Bhiwandi',  402, '2026-06-29 17:58', 'active'),
    ('E-013', 'Imtiaz Ansari',      'Purchase',   'Buyer, paints and cement', 'buyer',       '{}',               'Bhiwandi',  275, '2026-06-26 16:41', 'on_leave'),
    ('E-014', 'Kiran Bhosale',      'Sales',      'Sales executive',          'seller',      '{}',               'Pune',      344, '2026-06-30 09:48', 'active'),
    ('E-015', 'Divya Hegde',        'Sales',      'Sales executive',          'seller',      '{}',               'Pune',      317, '2026-06-30 10:33', 'active'),
    ('E-016', 'Ajay Thakur',        'Sales',      'Sales executive',          'seller',      '{}',               'Mumbai',    298, '2026-06-29 19:03', 'active'),
    ('E-017', 'Swapna Reddy',       'Sales',      'Sales executive',          'seller',      '{}',               'Hyderabad', 331, '2026-06-30 09:57', 'active'),
    ('E-018', 'Naveen Goud',        'Sales',      'Sales executive',          'seller',      '{}',               'Hyderabad', 120, '2026-04-10 18:00', 'terminated'),
    ('E-019', 'Jyoti Rathod',       'Sales',      'Counter sales',            'seller',      '{}',               'Bhiwandi',  455, '2026-06-30 08:59', 'active'),
    ('E-020', 'Manoj Yadav',        'Warehouse',  'Storekeeper',              'storekeeper', '{}',               'Bhiwandi',  366, '2026-06-30 08:05', 'active'),
    ('E-021', 'Sunita Kamble',      'Warehouse',  'Storekeeper',              'storekeeper', '{}',               'Chakan',    352, '2026-06-30 08:17', 'active'),
    ('E-022', 'Balaji Naik',        'Warehouse',  'Forklift operator',        'member',      '{}',               'Bhiwandi',    0, NULL,               'active'),
    ('E-023', 'Dattatray Shinde',   'Warehouse',  'Loader',                   'member',      '{}',               'Bhiwandi',    0, NULL,               'active'),
    ('E-024', 'Raju Chauhan',       'Warehouse',  'Loader',                   'member',      '{}',               'Chakan',      0, NULL,               'active'),
    ('E-025', 'Peter DSouza',       'Logistics',  'Dispatch coordinator',     'dispatcher',  '{}',               'Bhiwandi',  478, '2026-06-30 07:49', 'active'),
    ('E-026', 'Santosh Jadhav',     'Logistics',  'Driver',                   'member',      '{}',               'Bhiwandi',    0, NULL,               'active'),
    ('E-027', 'Ismail Pathan',      'Logistics',  'Driver',                   'member',      '{}',               'Hyderabad',   0, NULL,               'on_leave'),
    ('E-028', 'Farhana Qureshi',    'Accounts',   'Accounts executive',       'accountant',  '{}',               'Mumbai',    421, '2026-06-30 10:21', 'active'),
    ('E-029', 'Ashwin Menon',       'Accounts',   'Credit controller',        'accountant',  '{approver}',       'Mumbai',    437, '2026-06-30 09:44', 'active'),
    ('E-030', 'Tejaswini More',     'Management', 'Office administrator',     'member',      '{}',               'Mumbai',    263, '2026-06-29 17:30', 'active')
) AS e (code, full_name, department, designation, role, more_roles, city, login_count, last_login, status)
JOIN (VALUES
    ('owner',       ARRAY['*']),
    ('admin',       ARRAY['users:write', 'settings:write', 'reports:read']),
    ('accountant',  ARRAY['orders:read', 'payments:write', 'reports:read']),
    ('buyer',       ARRAY['vendors:write', 'products:write', 'purchase_orders:write']),
    ('seller',      ARRAY['products:read', 'sales_orders:write']),
    ('storekeeper', ARRAY['inventory:write', 'purchase_orders:receive']),
    ('dispatcher',  ARRAY['sales_orders:ship', 'inventory:read']),
    ('member',      ARRAY[]::text[])
) AS r (role, permissions) USING (role)
ON CONFLICT DO NOTHING;
