-- Who works for the tenant.

CREATE TABLE public.employees (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL DEFAULT tenantctl.current_tenant(),
    employee_code text NOT NULL CHECK (employee_code <> ''),
    full_name text NOT NULL CHECK (full_name <> ''),
    email text NOT NULL CHECK (email ~ '^[^@\s]+@[^@\s]+$'),
    department text,
    designation text,
    role text NOT NULL DEFAULT 'member' CHECK (role <> ''),
    roles text[] NOT NULL DEFAULT '{}',
    permissions text[] NOT NULL DEFAULT '{}',
    auth_user_id uuid,
    aadhaar text CHECK (aadhaar ~ '^[0-9]{12}$'),
    pan text CHECK (pan ~ '^[A-Z]{5}[0-9]{4}[A-Z]$'),
    address jsonb NOT NULL DEFAULT '{}',
    last_login_at timestamptz,
    login_count integer NOT NULL DEFAULT 0 CHECK (login_count >= 0),
    preferences jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'on_leave', 'terminated')),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, employee_code),
    UNIQUE (tenant_id, email),
    UNIQUE (tenant_id, auth_user_id),
    CHECK (jsonb_typeof(address) = 'object'),
    CHECK (jsonb_typeof(preferences) = 'object')
);

COMMENT ON TABLE public.employees IS
    'Staff. aadhaar and pan are for the owner role only, so SELECT * is refused to the '
    'application: it names its columns, or reads employees_directory.';
COMMENT ON COLUMN public.employees.auth_user_id IS
    'The user who signs in, as in the sub claim; NULL for staff without a login.';
COMMENT ON COLUMN public.employees.aadhaar IS
    'Identity number, twelve digits without spaces. Granted to no role.';
COMMENT ON COLUMN public.employees.pan IS
    'Income tax number. Granted to no role.';
COMMENT ON COLUMN public.employees.role IS
    'The one role that decides by default; roles lists whatever else the person may act as.';

-- Column by column: a column that a later migration adds stays closed until it is granted by name.
SELECT tenantctl.protect('public.employees', ARRAY[
    'id', 'tenant_id', 'employee_code', 'full_name', 'email', 'department', 'designation', 'role',
    'roles', 'permissions', 'auth_user_id', 'address', 'last_login_at', 'login_count',
    'preferences', 'status', 'created_by', 'created_at', 'updated_at']);

-- With security_invoker the view reads with the rights of its caller: policies and column grants of
-- the table apply unchanged. It is what SELECT * is for.
CREATE VIEW public.employees_directory WITH (security_invoker = true) AS
    SELECT id, tenant_id, employee_code, full_name, email, department, designation, role, roles,
        permissions, auth_user_id, address, last_login_at, login_count, preferences, status,
        created_by, created_at, updated_at
    FROM public.employees;
SELECT tenantctl.grant_to_applications('public.employees_directory', 'SELECT');

COMMENT ON VIEW public.employees_directory IS
    'Employees without their identity numbers.';
