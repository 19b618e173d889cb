update profiles set role = 'owner' where username = 'founder';
alter publication supabase_realtime add table public.profiles;
