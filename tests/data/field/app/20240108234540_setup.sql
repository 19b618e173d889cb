-- Extensions live in a schema of their own.
create extension if not exists pg_trgm with schema extensions;

create or replace function public.touch() returns trigger as $$
begin
    new.updated_at = now();
    return new;
end;
$$ language 'plpgsql';

create type public.app_role as enum ('member', 'admin');
