set check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.my_role()
 RETURNS app_role
 LANGUAGE sql
 STABLE
AS $function$
  select role from public.profiles where user_id = auth.uid();
$function$
;

grant select on table "public"."profiles" to "service_role";


