-- What the role that runs it can do to the rows of this database, whatever it is told: nothing, while
-- the tenant is locked down.
DO $j$
DECLARE
 t record;
 n bigint;
 found text := '';
BEGIN
 FOR t IN SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind,
     (SELECT a.attname FROM pg_attribute a WHERE a.attrelid=c.oid AND a.attnum>0 AND NOT attisdropped AND a.attname NOT IN ('id','tenant_id') AND attgenerated='' AND attidentity='' ORDER BY attnum LIMIT 1) AS col
   FROM pg_class c JOIN pg_namespace n ON n.oid=c.relnamespace WHERE n.nspname IN ('public','tenantctl') AND relkind IN ('r','p','v','m')
 LOOP
  BEGIN EXECUTE format('SELECT count(*) FROM (SELECT FROM %s LIMIT 1) x', t.name) INTO n; IF n>0 THEN found := found || format('SELECT %s; ', t.name); END IF;
  EXCEPTION WHEN OTHERS THEN NULL; END;
  CONTINUE WHEN t.relkind = 'm';
  BEGIN EXECUTE format('DELETE FROM %s', t.name); GET DIAGNOSTICS n=ROW_COUNT; IF n>0 THEN RAISE EXCEPTION USING ERRCODE='ZZ001'; END IF;
  EXCEPTION WHEN insufficient_privilege OR undefined_function THEN NULL; WHEN OTHERS THEN IF SQLSTATE NOT IN ('55000') THEN found := found || format('DELETE %s %s; ', t.name, SQLSTATE); END IF; END;
  BEGIN EXECUTE format('UPDATE %s SET %I = NULL', t.name, t.col); GET DIAGNOSTICS n=ROW_COUNT; IF n>0 THEN RAISE EXCEPTION USING ERRCODE='ZZ001'; END IF;
  EXCEPTION WHEN insufficient_privilege OR undefined_function THEN NULL; WHEN OTHERS THEN IF SQLSTATE NOT IN ('55000') THEN found := found || format('UPDATE %s %s; ', t.name, SQLSTATE); END IF; END;
  BEGIN EXECUTE format('INSERT INTO %s DEFAULT VALUES', t.name); RAISE EXCEPTION USING ERRCODE='ZZ001';
  EXCEPTION WHEN insufficient_privilege OR undefined_function THEN NULL; WHEN OTHERS THEN IF SQLSTATE NOT IN ('55000') THEN found := found || format('INSERT %s %s; ', t.name, SQLSTATE); END IF; END;
  IF t.relkind='r' THEN
  BEGIN EXECUTE format('TRUNCATE %s', t.name); RAISE EXCEPTION USING ERRCODE='ZZ001';
  EXCEPTION WHEN insufficient_privilege OR undefined_function THEN NULL; WHEN OTHERS THEN IF SQLSTATE NOT IN ('55000','0A000') THEN found := found || format('TRUNCATE %s %s; ', t.name, SQLSTATE); END IF; END;
  END IF;
 END LOOP;
 IF pg_has_role(current_user,'tenantctl_owner','MEMBER') THEN found := found || format('becomes owner; '); END IF;
 FOR t IN SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid=c.relnamespace WHERE n.nspname IN ('public','tenantctl') AND relkind IN ('r','p') AND pg_has_role(current_user, c.relowner,'MEMBER') LOOP found := found || format('owns %s; ', t.name); END LOOP;
 IF to_regprocedure('public.leak()') IS NOT NULL THEN
 BEGIN EXECUTE 'SELECT count(*) FROM public.leak()' INTO n; IF n>0 THEN found := found || format('function leak; '); END IF; EXCEPTION WHEN OTHERS THEN NULL; END;
 END IF;
 PERFORM set_config('client.got', found, true);
END $j$
