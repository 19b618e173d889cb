-- holds: vendors 30
--
-- The suppliers of a distributor of electrical goods and hardware in western India.
-- Names, addresses and numbers are invented: tax ids are made of Z and a running
-- number, telephone numbers begin with a digit no exchange has, mail goes to
-- example.com. Ids follow from the tenant and the code, so the files that come later
-- know them without looking, and the same set gives the same rows everywhere.
--
-- What orders add to a vendor (total_orders, total_spent) comes with the orders.

INSERT INTO public.vendors
    (id, tenant_id, code, name, contact_name, email, phone, address, tax_id, rating, bank_details, status)
SELECT md5(tenantctl.current_tenant() || ':vendor:' || v.code)::uuid,
       tenantctl.current_tenant(),
       v.code, v.name, v.contact_name,
       'sales@' || v.mail || '.example.com',
       '+91 00000 10' || right(v.code, 3),
       jsonb_build_object('city', v.city, 'state', v.state, 'pin', v.pin, 'country', 'IN'),
       v.state_code || 'ZZZZZ0' || right(v.code, 3) || 'Z1Z0',
       v.rating,
       jsonb_build_object('account_name', v.name,
                          'account_number', '0000000000' || right(v.code, 3),
                          'ifsc', 'DEMO0000' || right(v.code, 3)),
       v.status
FROM (VALUES
    ('V-001', 'Sahyadri Cable Industries',   'Anil Deshmukh',       'sahyadri-cable',     'Pune',         'Maharashtra',    '411026', '27', 4.6, 'active'),
    ('V-002', 'Kaveri Conductors',           'Lakshmi Narayan',     'kaveri-conductors',  'Bengaluru',    'Karnataka',      '560058', '29', 4.2, 'active'),
    ('V-003', 'Deepjyoti Lighting',          'Rakesh Agarwal',      'deepjyoti',          'Noida',        'Uttar Pradesh',  '201301', '09', 4.4, 'active'),
    ('V-004', 'Prakash Stambh LED Works',    'Hetal Shah',          'prakash-stambh',     'Ahmedabad',    'Gujarat',        '382415', '24', 3.9, 'active'),
    ('V-005', 'Ganga Switch Company',        'Mohit Rawat',         'ganga-switch',       'Haridwar',     'Uttarakhand',    '249403', '05', 4.5, 'active'),
    ('V-006', 'Sagar Modular Systems',       'Farida Contractor',   'sagar-modular',      'Mumbai',       'Maharashtra',    '400072', '27', 4.1, 'active'),
    ('V-007', 'Trimbak Switchgear',          'Suresh Patil',        'trimbak-switchgear', 'Nashik',       'Maharashtra',    '422007', '27', 4.7, 'active'),
    ('V-008', 'Hooghly Fan Works',           'Subrata Mondal',      'hooghly-fan',        'Kolkata',      'West Bengal',    '700015', '19', 4.0, 'active'),
    ('V-009', 'Periyar Fans',                'Thomas Kurian',       'periyar-fans',       'Kochi',        'Kerala',         '683503', '32', 4.3, 'active'),
    ('V-010', 'Noyyal Pump Makers',          'Senthil Kumar',       'noyyal-pump',        'Coimbatore',   'Tamil Nadu',     '641006', '33', 4.8, 'active'),
    ('V-011', 'Narmada Pipes',               'Bhavesh Patel',       'narmada-pipes',      'Vadodara',     'Gujarat',        '390010', '24', 4.4, 'active'),
    ('V-012', 'Sangam Polymers',             'Vivek Tripathi',      'sangam-polymers',    'Kanpur',       'Uttar Pradesh',  '208012', '09', 3.7, 'active'),
    ('V-013', 'Aravali Taps and Valves',     'Mahendra Singh',      'aravali-taps',       'Jaipur',       'Rajasthan',      '302013', '08', 4.2, 'active'),
    ('V-014', 'Doaba Hand Tools',            'Gurpreet Singh',      'doaba-tools',        'Jalandhar',    'Punjab',         '144004', '03', 4.6, 'active'),
    ('V-015', 'Sutlej Fasteners',            'Harleen Kaur',        'sutlej-fasteners',   'Ludhiana',     'Punjab',         '141003', '03', 4.1, 'active'),
    ('V-016', 'Adyar Power Tools',           'Revathi Subramanian', 'adyar-power',        'Chennai',      'Tamil Nadu',     '600032', '33', 4.3, 'active'),
    ('V-017', 'Nilgiri Abrasives',           'Prema Joseph',        'nilgiri-abrasives',  'Mettupalayam', 'Tamil Nadu',     '641301', '33', 3.8, 'active'),
    ('V-018', 'Rangoli Paint House',         'Nitin Kulkarni',      'rangoli-paint',      'Mumbai',       'Maharashtra',    '400093', '27', 4.5, 'active'),
    ('V-019', 'Konkan Coatings',             'Sandesh Sawant',      'konkan-coatings',    'Ratnagiri',    'Maharashtra',    '415612', '27', 3.6, 'active'),
    ('V-020', 'Aligarh Lock House',          'Imran Siddiqui',      'aligarh-lock',       'Aligarh',      'Uttar Pradesh',  '202001', '09', 4.0, 'active'),
    ('V-021', 'Saurashtra Hinge Works',      'Jignesh Vekaria',     'saurashtra-hinge',   'Rajkot',       'Gujarat',        '360003', '24', 4.2, 'active'),
    ('V-022', 'Daman Ganga Adhesives',       'Kinjal Desai',        'daman-ganga',        'Vapi',         'Gujarat',        '396195', '24', 4.4, 'active'),
    ('V-023', 'Vindhya Cement Agency',       'Ramesh Dwivedi',      'vindhya-cement',     'Satna',        'Madhya Pradesh', '485001', '23', 3.9, 'active'),
    ('V-024', 'Aarohan Battery Company',     'Neha Malhotra',       'aarohan-battery',    'Gurugram',     'Haryana',        '122016', '06', 4.1, 'active'),
    ('V-025', 'Suryamukhi Solar',            'Srinivas Reddy',      'suryamukhi-solar',   'Hyderabad',    'Telangana',      '500076', '36', 4.5, 'active'),
    ('V-026', 'Khet Khalihan Implements',    'Om Prakash Tyagi',    'khet-khalihan',      'Meerut',       'Uttar Pradesh',  '250002', '09', 3.8, 'active'),
    ('V-027', 'Kavach Safety Products',      'Pooja Bhatia',        'kavach-safety',      'Faridabad',    'Haryana',        '121003', '06', 4.3, 'active'),
    ('V-028', 'Shravasti Site Supplies',     'Asha Verma',          'shravasti-site',     'Lucknow',      'Uttar Pradesh',  '226010', '09', 3.5, 'active'),
    ('V-029', 'Old Bazaar Hardware Traders', 'Kamal Gupta',         'old-bazaar',         'Delhi',        'Delhi',          '110006', '07', 2.4, 'suspended'),
    ('V-030', 'Bhagirathi Wire Drawing',     'Dinesh Joshi',        'bhagirathi-wire',    'Indore',       'Madhya Pradesh', '452015', '23', 3.1, 'inactive')
) AS v (code, name, contact_name, mail, city, state, pin, state_code, rating, status)
ON CONFLICT DO NOTHING;
