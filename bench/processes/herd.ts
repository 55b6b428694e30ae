// herd URL OPTIONS: many devices in one process, each with a connection, a key and a chain of its
// own. OPTIONS is JSON, see `HerdOptions`. Says each second what it sees, and ends with its input.
import { generateKeyPairSync } from 'node:crypto';
import { signerOf } from '@holdfast/gateway/internal';
import type { HerdLine, HerdOptions } from '../herd.bench.ts';
import { LightDevice } from './light-device.ts';
import { argument, say } from './say.ts';

const { hostname, port } = new URL(argument(0));
// The one who starts this process wrote it.
const options = JSON.parse(argument(1)) as HerdOptions;
const { count, overS, emitS, reportS, backlog } = options;
const SECOND = 1_000;
/** Turns are taken so often. */
const TURN_MS = 20;
const payload = new Uint8Array(150).fill(0x61);

const waits = { live: [] as number[], late: [] as number[] };
let [connected, greeted, lost] = [0, 0, 0];

function deviceOf(index: number): LightDevice {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  let isThere = false;
  const device: LightDevice = new LightDevice({
    ...{ host: hostname, port: Number(port), device: `light-${index}` },
    signer: signerOf(privateKey),
    onGreeted: () => {
      greeted += 1;
      connected += isThere ? 0 : 1;
      isThere = true;
    },
    onLost: () => {
      if (!isThere) return;
      [isThere, lost, connected] = [false, lost + 1, connected - 1];
      // Work goes on without a link.
      for (let entry = 0; entry < backlog; entry += 1) device.emit(payload);
    },
    onAcked: (waitedMs, wasLive) => waits[wasLive ? 'live' : 'late'].push(waitedMs),
  });
  return device;
}

/** Has each of them do something again and again, evenly over the time between. */
function inTurn(everyS: number, act: (device: LightDevice, turn: number) => void): void {
  let done = 0;
  const startedAt = performance.now();
  setInterval(() => {
    const due = ((performance.now() - startedAt) * count) / (everyS * SECOND);
    for (; done < due; done += 1) {
      const device = herd[done % count];
      if (device !== undefined) act(device, done);
    }
  }, TURN_MS);
}

function quantiles(values: number[]): readonly [p50: number, p99: number, most: number] {
  const sorted = values.splice(0).toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  return [at(0.5), at(0.99), at(1)];
}

const herd = Array.from({ length: count }, (_, index) => deviceOf(index));
let begun = 0;
inTurn(overS, (device) => {
  if (begun < count) device.connect();
  begun += 1;
});
inTurn(emitS, (device, turn) => {
  if (turn % count < begun) device.emit(payload);
});
inTurn(reportS, (device) => device.report());

setInterval(() => {
  const acks = waits.live.length;
  const [p50, p99, most] = quantiles(waits.live);
  const lateAcks = waits.late.length;
  const [, , lateMost] = quantiles(waits.late);
  const waiting = herd.reduce((sum, each) => sum + each.backlog, 0);
  const line: HerdLine = {
    ...{ connected, greeted, lost, acks, p50, p99, most, lateAcks, lateMost, waiting },
  };
  say({ ...line });
  [greeted, lost] = [0, 0];
}, SECOND);
