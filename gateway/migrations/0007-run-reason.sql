-- Why a run has failed or is stuck: the code of its error, and the operation that it was at.
create or replace view holdfast_views.run as
  select t.device, r ->> 1 as run, (r ->> 2)::bigint as epoch, r ->> 5 as workflow,
    r ->> 6 as state, holdfast.time_at((r #>> '{10,0}')::numeric) as started_at,
    holdfast.time_at((r #>> '{11,0}')::numeric) as updated_at, (r ->> 12)::bigint as entries,
    nullif(r ->> 16, '') as code,
    nullif(case
      when r ->> 6 = 'stuck' then r #>> '{17,0}'
      when r ->> 6 = 'failed' and r #>> '{18,2}' = r ->> 16 then r #>> '{18,0}'
    end, '') as step
  from holdfast.run t, holdfast.cbor(t.value) r;
