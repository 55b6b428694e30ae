-- Runs by their state: what is stuck, failed or waits for somebody is found at once, however many
-- runs there are. A key is the state, as CBOR has it, and the ordinal of the run; a value the key of
-- the run's row, with the letter of its table.
create table holdfast.run_state (key bytea primary key, value bytea not null);

insert into holdfast.run_state (key, value)
  select set_byte('\x00', 0, 96 + length(r ->> 6)) || convert_to(r ->> 6, 'UTF8')
      || int8send((r ->> 3)::bigint),
    convert_to('r' || t.device, 'UTF8') || '\x00' || t.key
  from holdfast.run t, holdfast.cbor(t.value) r
  where r is not null;
