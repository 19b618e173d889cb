create table c();
