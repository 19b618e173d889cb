create table if not exists profiles (
    user_id uuid primary key references auth.users (id) on delete cascade,
    username text unique not null check (char_length(username) >= 3),
    role app_role not null default 'member',
    created_at timestamptz not null default current_timestamp,
    updated_at timestamptz
);
create index profiles_by_username on profiles using gin (username extensions.gin_trgm_ops);

alter table profiles enable row level security;

create policy "Allow full access to own profile" on profiles
    using (user_id = auth.uid())
    with check (user_id = auth.uid());

create trigger profiles_touch before update on profiles for each row execute procedure touch();

create or replace function public.make_profile() returns trigger
    language plpgsql security definer set search_path = '' as $$
begin
    insert into public.profiles (user_id, username)
    values (new.id, 'user-' || substr(md5(new.id::text), 1, 12));
    return new;
end;
$$;

create trigger make_profile after insert on auth.users for each row execute procedure make_profile();
