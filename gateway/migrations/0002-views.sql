-- The ledger for those who ask in SQL: views with columns, over the rows of 0001. Everything about
-- a device can be asked for by it; entries and blocks also by when they were received.

-- One item of CBOR (RFC 8949) that begins at `at`, and where the next one does. Only what Holdfast
-- writes: no tags, definite lengths. Byte strings are hex.
create function holdfast.cbor_item(bytes bytea, inout at integer, out item jsonb)
  language plpgsql immutable strict parallel safe as $$
declare
  head integer := get_byte(bytes, at);
  major integer := head >> 5;
  info integer := head & 31;
  size integer := case when info < 24 then 0 when info < 28 then 1 << (info - 24) end;
  argument numeric := 0;
  chunk bytea;
  name jsonb;
  part jsonb;
begin
  if size is null then
    raise exception 'no CBOR of Holdfast';
  end if;
  at := at + 1;
  if size = 0 then
    argument := info;
  end if;
  for i in 1 .. size loop
    argument := argument * 256 + get_byte(bytes, at);
    at := at + 1;
  end loop;
  if major in (2, 3) then
    if at + argument > length(bytes) then
      raise exception 'cut short';
    end if;
    chunk := substring(bytes from at + 1 for argument::integer);
    at := at + argument::integer;
    -- jsonb has no way to say a zero byte in text.
    item := case
      when major = 3 and position('\x00'::bytea in chunk) = 0
        then to_jsonb(convert_from(chunk, 'UTF8'))
      else to_jsonb(encode(chunk, 'hex'))
    end;
  elsif major = 0 then
    item := to_jsonb(argument);
  elsif major = 1 then
    item := to_jsonb(-1 - argument);
  elsif major = 4 then
    item := '[]';
    for i in 1 .. argument loop
      select * from holdfast.cbor_item(bytes, at) into at, part;
      item := item || jsonb_build_array(part);
    end loop;
  elsif major = 5 then
    item := '{}';
    for i in 1 .. argument loop
      select * from holdfast.cbor_item(bytes, at) into at, name;
      select * from holdfast.cbor_item(bytes, at) into at, part;
      item := item || jsonb_build_object(name #>> '{}', part);
    end loop;
  elsif major = 7 and info = 27 then
    item := holdfast.float64(argument);
  elsif major = 7 and info < 24 then
    item := case info when 20 then 'false' when 21 then 'true' else 'null' end;
  else
    raise exception 'no CBOR of Holdfast';
  end if;
end
$$;

-- A double by its 64 bits; null for what JSON has no number for.
create function holdfast.float64(bits numeric) returns jsonb
  language plpgsql immutable strict parallel safe as $$
declare
  sign integer := case when bits >= 9223372036854775808 then -1 else 1 end;
  rest numeric := bits % 9223372036854775808;
  exponent integer := div(rest, 4503599627370496)::integer;
  fraction double precision := (rest % 4503599627370496)::double precision / 4503599627370496;
begin
  if exponent = 2047 then
    return 'null';
  end if;
  if exponent = 0 then
    return to_jsonb(sign * fraction * power(2::double precision, -1022));
  end if;
  return to_jsonb(sign * (1 + fraction) * power(2::double precision, exponent - 1023));
end
$$;

-- What bytes say; null where they are no such CBOR: a device decides what its entries hold, and
-- must not be able to break a query over all. What catches errors must not run in parallel.
create function holdfast.cbor(bytes bytea) returns jsonb
  language plpgsql immutable strict parallel unsafe as $$
begin
  return (holdfast.cbor_item(bytes, 0)).item;
exception when others then
  return null;
end
$$;

-- The entries of a block: seq, bytes.
create function holdfast.block_entries(block bytea, seq_first bigint)
  returns table (seq bigint, bytes bytea)
  language plpgsql immutable strict parallel safe as $$
declare
  count bigint := holdfast.uint32(block, 40);
  at integer := 44;
  size integer;
begin
  for i in 0 .. count - 1 loop
    size := holdfast.uint32(block, at)::integer;
    seq := seq_first + i;
    bytes := substring(block from at + 37 for size);
    return next;
    at := at + 36 + size;
  end loop;
end
$$;

create function holdfast.uint32(bytes bytea, at integer) returns bigint
  language sql immutable strict parallel safe
  return ('x' || encode(substring(bytes from at + 1 for 4), 'hex'))::bit(32)::bigint;

-- Kinds of entries by their numbers on the wire.
create table holdfast.entry_kind (number integer primary key, name text not null, has_run boolean not null);
insert into holdfast.entry_kind values
  (0, 'run.started', true), (1, 'run.completed', true), (2, 'run.failed', true),
  (3, 'run.cancelled', true), (4, 'run.stuck', true), (5, 'run.status', true),
  (6, 'step.completed', true), (7, 'step.failed', true), (8, 'step.retrying', true),
  (9, 'timer.set', true), (10, 'timer.fired', true), (11, 'signal.received', true),
  (12, 'call.requested', true), (13, 'call.completed', true), (14, 'call.failed', true),
  (15, 'event.emitted', true), (16, 'command.receipt', false), (17, 'run.continued', true),
  (18, 'cancel.requested', true), (19, 'step.started', true), (20, 'step.handed', true),
  (21, 'child.started', true), (22, 'child.completed', true), (23, 'child.failed', true),
  (24, 'patch.marked', true), (25, 'run.paused', true), (26, 'run.resumed', true),
  (27, 'run.retried', true), (28, 'schedule.skipped', false), (29, 'epoch.began', false),
  (30, 'contents.erased', false), (31, 'value.part', true);

create schema holdfast_views;

create view holdfast_views.device as
  select d.device, (r ->> 2)::bigint as epoch, holdfast.time_at((r ->> 3)::numeric) as first_seen_at,
    (r ->> 4)::bigint as last_command, (r ->> 5)::bigint as last_receipt
  from holdfast.device d, holdfast.cbor(d.value) r;

create view holdfast_views.position as
  select p.device, holdfast.uint64(p.key, 0) as epoch,
    (array['urgent', 'normal', 'bulk'])[get_byte(p.key, 8) + 1] as lane,
    (r ->> 0)::bigint as watermark, r ->> 1 as hash
  from holdfast.position p, holdfast.cbor(p.value) r;

create view holdfast_views.run as
  select t.device, r ->> 1 as run, (r ->> 2)::bigint as epoch, r ->> 5 as workflow,
    r ->> 6 as state, holdfast.time_at((r #>> '{10,0}')::numeric) as started_at,
    holdfast.time_at((r #>> '{11,0}')::numeric) as updated_at, (r ->> 12)::bigint as entries
  from holdfast.run t, holdfast.cbor(t.value) r;

create view holdfast_views.pending_call as
  select r ->> 0 as device, r ->> 2 as run, r ->> 4 as service, r ->> 5 as key,
    holdfast.time_at((r #>> '{7,0}')::numeric) as requested_at
  from holdfast.call t, holdfast.cbor(t.value) r;

create view holdfast_views.parked_call as
  select r ->> 0 as device, r ->> 2 as run, r ->> 4 as service, r ->> 5 as key,
    holdfast.time_at((r #>> '{7,0}')::numeric) as requested_at,
    holdfast.time_at((r #>> '{12,0}')::numeric) as parked_at, (r #>> '{12,1}')::int as attempts,
    r #>> '{12,2}' as code, r #>> '{12,3}' as why
  from holdfast.parked_call t, holdfast.cbor(t.value) r;

create view holdfast_views.block as
  select b.device, holdfast.uint64(b.key, 0) as epoch,
    (array['urgent', 'normal', 'bulk'])[get_byte(b.key, 8) + 1] as lane,
    holdfast.uint64(b.key, 9) as seq_first, holdfast.uint32(b.value, 40) as entries,
    holdfast.time_at(holdfast.uint64(b.value, 0)) as received_at, length(b.value) as bytes
  from holdfast.block b;

-- `kind` is a number of the table of kinds in the protocol, `fields` what follows it there.
create view holdfast_views.entry as
  select b.device, holdfast.uint64(b.key, 0) as epoch,
    (array['urgent', 'normal', 'bulk'])[get_byte(b.key, 8) + 1] as lane, e.seq,
    holdfast.time_at(holdfast.uint64(b.value, 0)) as received_at,
    k.name as kind, holdfast.time_at((r ->> 1)::numeric) as at,
    case when k.has_run then r ->> 4 end as run, r - 0 as fields, e.bytes
  from holdfast.block b, holdfast.block_entries(b.value, holdfast.uint64(b.key, 9)) e,
    holdfast.cbor(e.bytes) r
    left join holdfast.entry_kind k on k.number = (r ->> 0)::integer;
