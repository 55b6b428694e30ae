import { generateKeyPairSync, sign } from 'node:crypto';
import test from 'ava';
import { sha256 } from '@holdfast/agent/internal';
import { SECRET, WireWatch, type Tap } from '@holdfast/device-sim/internal';
import {
  batchEntries,
  chainStart,
  encodeWith,
  seal,
  type Message,
  type Signer,
} from '@holdfast/protocol';

function signer(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    sign: (bytes) => sign(null, bytes, privateKey),
  };
}

const gateway = signer();
const device = signer();

/** As MQTT 3.1.1 has it, or 5 without properties. */
function publish(topic: string, payload: Uint8Array, level = 4): Buffer {
  const name = Buffer.from(topic);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(name.byteLength);
  const id = Buffer.from([0, 7]);
  const properties = level === 5 ? [Buffer.from([0])] : [];
  return packet(0x32, Buffer.concat([length, name, id, ...properties, payload]));
}

function packet(head: number, body: Buffer): Buffer {
  const length: number[] = [];
  for (let left = body.byteLength; left > 0 || length.length === 0; left >>= 7) {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
  }
  return Buffer.concat([Buffer.from([head, ...length]), body]);
}

const connect = (level: number): Buffer =>
  packet(0x10, Buffer.from([0, 4, ...Buffer.from('MQTT'), level, 2, 0, 60, 0, 1, 97]));

const place = { device: 'truck-7', epoch: 1, lane: 'normal' } as const;
const hash = chainStart(sha256, place);
const ack: Message = {
  ...({ kind: 'ack', epoch: 1, lane: 'normal', watermark: 3, hash } as const),
  ...{ missingFrom: 0, slowMs: 0, kept: [] },
};
const lane = { watermark: 0, hash, verdict: 'ok' } as const;
const welcome: Message = {
  ...({ kind: 'welcome', protocol: 1, gateway: 'gw', session: new Uint8Array(8) } as const),
  ...{ publicKey: gateway.publicKey, nowMs: 0, lanes: [lane, lane, lane] as const },
  ...{ batchBytesMax: 60_000, inflightMax: 8, reportEveryMs: 5_000 },
  ...{ reconnectSpreadMs: 0, epoch: 1 },
};

function batchOf(entry: Uint8Array): Message {
  const payload = encodeWith(batchEntries, [entry]);
  return {
    ...({ kind: 'batch', epoch: 1, lane: 'normal', seqFirst: 1, count: 1 } as const),
    ...{ previousHash: hash, encoding: 'plain' as const, plainBytes: payload.byteLength },
    ...{ payload, hash },
  };
}

interface Watched {
  readonly tap: Tap;
  readonly found: string[];
  readonly watch: WireWatch;
}

function watched(level = 4): Watched {
  const found: string[] = [];
  const watch = new WireWatch('truck-7', (promise, what) => found.push(`${promise} ${what}`));
  const tap = watch.tap();
  tap.up(connect(level));
  return { tap, found, watch };
}

for (const level of [4, 5]) {
  test(`what is for the device and of it is nothing to tell, by MQTT of level ${level}`, (t) => {
    const { tap, found, watch } = watched(level);
    const up = seal('truck-7', batchOf(Buffer.from('an entry')), device);
    tap.up(publish('holdfast/1/truck-7/up', up, level));
    const [first, second] = [welcome, ack].map((message) =>
      publish('holdfast/1/truck-7/down', seal('truck-7', message, gateway), level),
    );
    const bytes = Buffer.concat([
      first ?? Buffer.of(),
      packet(0xd0, Buffer.of()),
      second ?? Buffer.of(),
    ]);
    // However it is cut.
    for (const byte of bytes) tap.down(Uint8Array.of(byte));

    t.deepEqual(found, []);
    t.deepEqual([watch.told, watch.searched], [3, 1]);
  });
}

test('P8 what is for another device is told, on its topic, or signed for it', (t) => {
  const { tap, found } = watched();
  tap.down(publish('holdfast/1/truck-7/down', seal('truck-7', welcome, gateway)));
  tap.down(publish('holdfast/1/truck-8/down', seal('truck-8', ack, gateway)));
  tap.down(publish('holdfast/1/truck-7/down', seal('truck-8', ack, gateway)));
  tap.down(publish('holdfast/1/truck-7/down', Buffer.from('nonsense')));
  tap.up(publish('holdfast/1/truck-8/up', seal('truck-8', batchOf(Buffer.from('x')), device)));

  t.is(found.length, 4);
  for (const what of found) t.regex(what, /^P8 /);
});

test('P10 what is marked local and leaves is told, as such and deep in a batch', (t) => {
  const { tap, found } = watched();
  const entry = Buffer.from(`an entry with ${SECRET}order-1`);
  tap.up(publish('holdfast/1/truck-7/up', seal('truck-7', batchOf(entry), device)));

  t.deepEqual(found, ['P10 what is local left with normal 1']);
});
