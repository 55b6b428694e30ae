-- The rows of the ledger. Each has the key and the value that the embedded ledger has, without the
-- letter of its table: `key` is what follows the device. Values are positional CBOR, see 0002 for
-- how to read them in SQL. What belongs to a device has it in its primary key, so that a table can
-- be partitioned, or distributed over several servers, by it.

create function holdfast.uint64(bytes bytea, at integer) returns bigint
  language sql immutable strict parallel safe
  return ('x' || encode(substring(bytes from at + 1 for 8), 'hex'))::bit(64)::bigint;

create function holdfast.time_at(ms numeric) returns timestamptz
  language sql immutable strict parallel safe
  return timestamptz '1970-01-01 00:00:00+00' + ms::double precision * interval '1 millisecond';

-- Gives each transaction that needs any 8,192 numbers, which order runs and calls by their arrival.
create sequence holdfast.ordinal increment by 8192 minvalue 1 start with 1;

create table holdfast.meta (key bytea primary key, value bytea not null);

-- One row a device. Whoever changes anything of a device holds this row.
create table holdfast.device (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
) with (fillfactor = 70);

create table holdfast.epoch (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
);

create table holdfast.device_key (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
);

create table holdfast.position (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
) with (fillfactor = 50);

-- Entries, as many in a row as came together in a batch. They are dense already: PostgreSQL need
-- not try to compress them.
create table holdfast.block (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
) partition by hash (device);
alter table holdfast.block alter column value set storage external;

create table holdfast.hole (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
);

create table holdfast.run (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
) with (fillfactor = 70);

create table holdfast.run_order (key bytea primary key, value bytea not null);

create table holdfast.own_order (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
);

create table holdfast.call (key bytea primary key, value bytea not null);

-- Calls whose attempts are used up wait for a person.
create table holdfast.parked_call (key bytea primary key, value bytea not null);

create table holdfast.call_key (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
);

create table holdfast.call_place (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
);

create table holdfast.command (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
);

-- Through which number a device had answered its commands, and when that was seen.
create table holdfast.command_marks (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
);

-- What the erasable values of entries have sealed.
create table holdfast.content (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
) partition by hash (device);

create table holdfast.subject (key bytea primary key, value bytea not null);

create table holdfast.answer (key bytea primary key, value bytea not null);

create table holdfast.erased (key bytea primary key, value bytea not null);

create table holdfast.erasure (key bytea primary key, value bytea not null);

-- Which agents greeted as a device: two with one identity are told apart by it, whichever gateways
-- they meet.
create table holdfast.incarnation (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
);

-- What was issued to devices, and what became of it on each.
create table holdfast.dispatch (key bytea primary key, value bytea not null);

create table holdfast.dispatch_order (key bytea primary key, value bytea not null);

create table holdfast.dispatched (key bytea primary key, value bytea not null);

-- Kept aside, and applied to nothing.
create table holdfast.quarantine (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
);

create table holdfast.late (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
);
alter table holdfast.late alter column value set storage external;

create table holdfast.clock (
  device text collate "C" not null, key bytea not null, value bytea not null,
  primary key (device, key)
);

-- Whom to tell of entries, how far each was told of each device, and what it did not take.
create table holdfast.webhook (key bytea primary key, value bytea not null);

create table holdfast.webhook_cursor (key bytea primary key, value bytea not null)
  with (fillfactor = 70);

create table holdfast.webhook_dead (key bytea primary key, value bytea not null);

create table holdfast.pruning (key bytea primary key, value bytea not null);

-- Which gateway executes a call, and until when nobody else does. Nothing is lost with it: a call
-- that is nobody's is taken anew.
create unlogged table holdfast.claim (
  key bytea primary key, owner text not null, until timestamptz not null
);

do $$
begin
  for part in 0 .. 15 loop
    execute format(
      'create table holdfast.block_%s partition of holdfast.block
         for values with (modulus 16, remainder %s)', part, part);
    execute format(
      'create table holdfast.content_%s partition of holdfast.content
         for values with (modulus 16, remainder %s)', part, part);
  end loop;
end
$$;

-- Blocks come in the order of time: their first eight bytes say when.
create index block_received on holdfast.block
  using brin (holdfast.time_at(holdfast.uint64(value, 0)));
