-- How far each dispatch is, in up to 64 rows: a page of dispatches looks at none of their devices.
create table holdfast.dispatch_tally (key bytea primary key, value bytea not null)
  with (fillfactor = 70);
