insert into storage.buckets (id, name) values ('avatars', 'avatars') on conflict do nothing;

create policy "Anybody sees avatars" on storage.objects for select
    using (bucket_id = 'avatars');
create policy "Who is signed in uploads one" on storage.objects for insert to authenticated
    with check (bucket_id = 'avatars' and (select auth.uid()) is not null);
