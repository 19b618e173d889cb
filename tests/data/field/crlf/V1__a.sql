create table t_a(id int primary key);
comment on table t_a is $$x$$;
