-- Devices page by page: which ones have a tag, which lives of journals began for a cause, and how
-- many devices there are. Whoever adds a device counts it in one of 64 rows, so that few wait for
-- each other.
create table holdfast.tagged (key bytea primary key, value bytea not null);

create table holdfast.new_life (key bytea primary key, value bytea not null);

create table holdfast.device_count (slot integer primary key, devices bigint not null);

insert into holdfast.device_count select 0, count(*) from holdfast.device;
