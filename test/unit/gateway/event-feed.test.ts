import { EventFeed, type DeviceLive, type FleetEvent } from '@holdfast/gateway/internal';
import test from 'ava';

const arrival = (watermark: number, fresh: number, device = 'pump-1') =>
  ({ device, epoch: 1, lane: 'normal', watermark, fresh }) as const;

const live = (device: string, state: DeviceLive['state']): DeviceLive => ({
  ...{ device, state, lastSeenAtMs: undefined, lastAckAtMs: undefined },
  ...{ pending: 0, arrived: 0 },
  ...{ reported: undefined, reportedAtMs: undefined, clockAheadMs: undefined },
  ...{ refusals: 0, refusal: undefined },
});

test('what arrives between two looks is told once, and a state when it is another', (t) => {
  const feed = new EventFeed('a');
  const told: (readonly FleetEvent[])[] = [];
  const stop = feed.listen((events) => told.push(events));
  for (let n = 1; n <= 1_000; n += 1) feed.arrived(arrival(n, 1));
  feed.arrived(arrival(7, 7, 'pump-2'));

  feed.look([live('pump-1', 'syncing')]);
  feed.look([live('pump-1', 'syncing')]);
  feed.look([live('pump-1', 'synced')]);
  stop();
  feed.look([live('pump-1', 'offline')]);

  t.deepEqual(
    told.map((events) => events.map(({ kind, device, data }) => [kind, device, data])),
    [
      [
        ['entries', 'pump-1', { epoch: 1, lane: 'normal', watermark: 1_000, fresh: 1_000 }],
        ['entries', 'pump-2', { epoch: 1, lane: 'normal', watermark: 7, fresh: 7 }],
        ['device', 'pump-1', { state: 'syncing' }],
      ],
      [['device', 'pump-1', { state: 'synced' }]],
    ],
  );
});

test('who comes back goes on behind the last event, or is told that some are gone', (t) => {
  const feed = new EventFeed('a', 3);
  const start = feed.last;
  for (let n = 1; n <= 5; n += 1) {
    feed.arrived(arrival(n, 1));
    feed.look([]);
  }
  const ids = (id: string | undefined) => feed.after(id).events.map((event) => event.id);

  t.deepEqual(ids('a-3'), ['a-4', 'a-5']);
  t.deepEqual(ids('a-2'), ['a-3', 'a-4', 'a-5']);
  t.deepEqual(feed.after('a-5'), { events: [], isGap: false });
  t.deepEqual(feed.after(undefined), { events: [], isGap: false });
  for (const id of ['a-1', start, 'b-4', 'a-6', 'a', '', 'a-x']) {
    t.deepEqual(feed.after(id), { events: [], isGap: true }, id);
  }
});
