-- migrate:up
create table t_a(id int primary key);

-- migrate:down
drop table t_a;
