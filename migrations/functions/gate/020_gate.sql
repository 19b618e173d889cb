CREATE OR REPLACE FUNCTION tenantctl.keep_gate() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    -- Two revocations may arrive in the wrong order. Going back to the smaller mark would make
    -- tokens valid again that were revoked.
    IF NEW.epoch < OLD.epoch
        OR (OLD.sessions_not_before IS NOT NULL
            AND (NEW.sessions_not_before >= OLD.sessions_not_before) IS NOT TRUE)
    THEN
        RAISE EXCEPTION 'the epoch and the watermark of the gate only ever rise'
            USING ERRCODE = 'check_violation',
                  SCHEMA = 'tenantctl', TABLE = 'gate', CONSTRAINT = 'gate_only_rises',
                  HINT = 'Write greatest(epoch, ...) and greatest(sessions_not_before, ...).';
    END IF;
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
        WHERE tgrelid = 'tenantctl.gate'::regclass AND tgname = 'gate_only_rises')
    THEN
        CREATE TRIGGER gate_only_rises BEFORE UPDATE ON tenantctl.gate
            FOR EACH ROW EXECUTE FUNCTION tenantctl.keep_gate();
    END IF;
END $$;
