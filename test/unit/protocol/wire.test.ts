import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import * as fc from 'fast-check';
import {
  AssertionError,
  BATCH_ENTRIES_MAX,
  ENTRY_BYTES_MAX,
  HoldfastError,
  MESSAGE_BYTES_MAX,
  PROTOCOL_VERSION,
  VALUE_INLINE_MAX,
  batchEntries,
  channels,
  decodeCbor,
  decodeEntry,
  decodeValue,
  decodeWith,
  encodeCbor,
  encodeEntry,
  encodeWith,
  entryKinds,
  entryShape,
  gatewayTopics,
  isGenuine,
  messages,
  negotiate,
  open,
  parseTopic,
  protocolShape,
  seal,
  topicOf,
  type Entry,
  type EntryKind,
  type Message,
  type MessageKind,
  type Signer,
  type Verify,
} from '@holdfast/protocol';
import { anyLeaves, arbitraryOfShape } from '../../support/arbitrary-of-shape.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signer: Signer = {
  publicKey: publicKey.export({ type: 'spki', format: 'der' }),
  sign: (bytes) => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
};
const verifyP256: Verify = (spki, bytes, signature) => {
  const key = createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' });
  return verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature);
};

const messageKinds = Object.keys(messages) as MessageKind[];
const shapeOfEntry = new Map(
  entryShape.split('\n').map((line) => {
    const [kind = ''] = line.split('[', 1);
    return [kind as EntryKind, line.slice(kind.length)];
  }),
);

/** Any message of a kind. What the shape describes is what the type says. */
const anyMessage = (kind: MessageKind): fc.Arbitrary<Message> =>
  arbitraryOfShape(messages[kind].shape).map((fields) => ({ kind, ...fields }) as Message);
const anyEntry = (kind: EntryKind, leaves = anyLeaves): fc.Arbitrary<Entry> =>
  arbitraryOfShape(shapeOfEntry.get(kind) ?? '', leaves).map(
    (fields) => ({ kind, ...fields }) as Entry,
  );
const anySealed = fc
  .constantFrom(...messageKinds)
  .chain(anyMessage)
  .map((message) => seal('dev-1', message, signer));
const encodedEntry = fc
  .constantFrom(...entryKinds)
  .chain((kind) => anyEntry(kind))
  .map(encodeEntry);

const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const bounds = { bytesMax: 100_000, depthMax: 32, itemsMax: 10_000 };

/** Every reader of what strangers send. */
const readers: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  open: (bytes) => open('dev-1', bytes),
  decodeEntry,
  decodeValue,
  decodeCbor: (bytes) => decodeCbor(bytes, bounds),
  batchEntries: (bytes) => decodeWith(batchEntries, bytes, { ...bounds, path: 'batch' }),
};

/** Whether the reader took the bytes. Anything but a typed refusal fails the test. */
function isTaken(t: ExecutionContext, read: (bytes: Uint8Array) => unknown, bytes: Uint8Array) {
  try {
    read(bytes);
    return true;
  } catch (error) {
    const isTyped = error instanceof HoldfastError && error.code === 'HF_MESSAGE_INVALID';
    if (!isTyped) t.fail(`${Buffer.from(bytes).toString('hex')}: ${String(error)}`);
    return false;
  }
}

test('every message comes back from its envelope, signed and genuine', (t) => {
  for (const kind of messageKinds) {
    const roundTrip = fc.property(anyMessage(kind), (message) => {
      const opened = open('dev-1', seal('dev-1', message, signer));
      t.deepEqual(opened.message, message);
      t.true(isGenuine(opened, signer.publicKey, verifyP256));
    });
    fc.assert(roundTrip, { numRuns: 25 });
  }
});

test('every kind of entry comes back from its bytes, and to the same bytes', (t) => {
  for (const kind of entryKinds) {
    const roundTrip = fc.property(anyEntry(kind), (entry) => {
      const bytes = encodeEntry(entry);
      t.deepEqual(decodeEntry(bytes), entry);
      t.deepEqual(encodeEntry(decodeEntry(bytes)), bytes);
    });
    fc.assert(roundTrip, { numRuns: 25 });
  }
});

test('encoded bytes are their own, and decoding leaves nothing on them', (t) => {
  const bytes = encodeCbor({ a: 1, raw: new Uint8Array([1, 2]) });
  const copy = Uint8Array.from(bytes);
  for (let count = 0; count < 1_000; count += 1) encodeCbor({ b: count });

  const decoded = decodeCbor(bytes, bounds);

  t.is(Object.getPrototypeOf(bytes), Uint8Array.prototype);
  t.is(bytes.buffer.byteLength, bytes.byteLength);
  t.deepEqual(bytes, copy);
  t.deepEqual(decoded, { a: 1, raw: new Uint8Array([1, 2]) });
});

test('an integer above 2^32 is a CBOR integer on the wire', (t) => {
  const atMs = 1_760_000_000_123;
  const entry: Entry = {
    kind: 'run.completed',
    atMs,
    boot: 2 ** 32,
    monoMs: 2 ** 53 - 1,
    run: 'r',
    n: 2 ** 32 - 1,
    output: new Uint8Array(),
  };
  const written = Buffer.from(encodeEntry(entry)).toString('hex');

  t.is(
    written,
    `87011b${atMs.toString(16).padStart(16, '0')}` +
      '1b00000001000000001b001fffffffffffff61721affffffff40',
  );
  t.deepEqual(decodeEntry(encodeEntry(entry)), entry);
});

test('an integer that a number cannot hold is refused', (t) => {
  const isRead = (atMs: string) => isTaken(t, decodeEntry, unhex(`87011b${atMs}000061720040`));

  t.true(isRead('001fffffffffffff'));
  t.false(isRead('0020000000000000'));
  t.false(isRead('0020000000000001'));
  t.false(isRead('ffffffffffffffff'));
});

test('a record may have more fields than the reader knows', (t) => {
  const grown = (bytes: Uint8Array, ...more: readonly unknown[]): Uint8Array =>
    encodeCbor([...(decodeCbor(bytes, bounds) as unknown[]), ...more]);
  for (const kind of messageKinds) {
    const property = fc.property(anyMessage(kind), (message) => {
      const [code, body, signature] = decodeCbor(seal('d', message, signer), bounds) as [
        number,
        Uint8Array,
        Uint8Array,
      ];
      const longer = encodeCbor([code, grown(body, 'new', { newer: [1] }), signature, 7]);
      t.deepEqual(open('d', longer).message, message);
    });
    fc.assert(property, { numRuns: 5 });
  }
  for (const kind of entryKinds) {
    const property = fc.property(anyEntry(kind), (entry) => {
      t.deepEqual(decodeEntry(grown(encodeEntry(entry), 'new', null, [1])), entry);
    });
    fc.assert(property, { numRuns: 5 });
  }
});

test('a message with a field too few, or one of another type, is refused', (t) => {
  for (const kind of messageKinds) {
    const [message] = fc.sample(anyMessage(kind), { numRuns: 1, seed: 1 });
    if (message === undefined) continue;
    const [code, body, signature] = decodeCbor(seal('d', message, signer), bounds) as unknown[];
    const fields = decodeCbor(body as Uint8Array, bounds) as unknown[];
    const taken = (changed: unknown): boolean =>
      isTaken(t, (bytes) => open('d', bytes), encodeCbor([code, encodeCbor(changed), signature]));

    t.true(taken(fields));
    t.false(taken(fields.slice(0, -1)), kind);
    t.false(taken(Object.fromEntries(fields.entries())), kind);
    for (const index of fields.keys()) {
      for (const wrong of [
        null,
        undefined,
        -1,
        1.5,
        Number.NaN,
        true,
        {},
        [[]],
        'x'.repeat(9_999),
      ]) {
        t.false(taken(fields.with(index, wrong)), `${kind} ${index} ${typeof wrong}`);
      }
    }
  }
});

const hostile: Readonly<Record<string, Uint8Array>> = {
  nothing: new Uint8Array(),
  'nested arrays': new Uint8Array(50_000).fill(0x81),
  'arrays nested deeper than any bounds': Uint8Array.from([...new Uint8Array(300).fill(0x81), 0]),
  'nested maps': unhex('a16161'.repeat(10_000)),
  'an array of 2^32 items': unhex('9affffffff'),
  'an array of 2^64 items': unhex('9bffffffffffffffff00'),
  'a map of 2^63 pairs': unhex('bb8000000000000000616100'),
  'arrays that each claim all that is left': unhex('9ac3500000'.repeat(10_000)),
  'bytes beyond the end': unhex('5affffffff00'),
  'text beyond the end': unhex('7b7fffffffffffffff00'),
  'a date tag': unhex('c11a514b67b0'),
  'a big number': Uint8Array.from([
    0x82,
    0xc2,
    0x59,
    0x9c,
    0x40,
    ...new Uint8Array(40_000).fill(255),
  ]),
  'a shared reference': unhex('82d81c80d81d00'),
  'a record definition': unhex('d9dfff8319e0008161616161'),
  'bundled strings': unhex('d9dff98201820000'),
  'an indefinite array': unhex('9f01ff'),
  'an indefinite map': unhex('bf616101ff'),
  'indefinite bytes': unhex('5f4101ff'),
  'indefinite text': unhex('7f6161ff'),
  'a break': unhex('ff'),
  'reserved lengths': unhex('1c'),
  'a packed value': unhex('e0'),
  'an unassigned simple value': unhex('f8ff'),
  'a map with a number as key': unhex('a10102'),
  'a map with a map as key': unhex('a1a000'),
  'bytes behind the end': unhex('0000'),
  // More items than any bounds allow.
  'too many items': Uint8Array.from([0x9a, 0, 0x10, 0, 0, ...new Uint8Array(1_048_576)]),
};

for (const [name, bytes] of Object.entries(hostile)) {
  test(`hostile bytes are refused at once: ${name}`, (t) => {
    for (const [reader, read] of Object.entries(readers)) {
      const startMs = performance.now();
      t.false(isTaken(t, read, bytes), reader);
      t.true(performance.now() - startMs < 250, reader);
    }
  });
}

test('what is cut at any byte is refused', (t) => {
  const cuts = (bytes: Uint8Array, read: (bytes: Uint8Array) => unknown): void => {
    for (let length = 0; length < bytes.byteLength; length += 1) {
      t.false(isTaken(t, read, bytes.slice(0, length)), `${length} of ${bytes.byteLength}`);
    }
  };
  for (const kind of messageKinds) {
    const [message] = fc.sample(anyMessage(kind), { numRuns: 1, seed: 3 });
    if (message !== undefined)
      cuts(seal('dev-1', message, signer), (bytes) => open('dev-1', bytes));
  }
  for (const bytes of fc.sample(encodedEntry, { numRuns: 50, seed: 3 })) cuts(bytes, decodeEntry);
});

test('random bytes, and whole ones that were changed, end in a value or a refusal', (t) => {
  const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
  const changed = fc.tuple(fc.oneof(anySealed, encodedEntry), edits).map(([bytes, changes]) => {
    const copy = Uint8Array.from(bytes);
    for (const [at, byte] of changes) copy[at % copy.length] = byte;
    return copy;
  });
  const property = fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), changed), (bytes) => {
    for (const read of Object.values(readers)) isTaken(t, read, bytes);
  });
  fc.assert(property, { numRuns: 1_500 });
  t.pass();
});

test('a signature binds the device, the kind and every bit', (t) => {
  const message: Message = {
    kind: 'ack',
    epoch: 3,
    lane: 'normal',
    watermark: 70_000,
    hash: new Uint8Array(32).fill(7),
    missingFrom: 0,
    slowMs: 0,
    kept: [{ seqFirst: 70_003, seqLast: 70_009 }],
  };
  const sealed = seal('dev-1', message, signer);
  const genuine = (device: string, bytes: Uint8Array): boolean => {
    try {
      return isGenuine(open(device, bytes), signer.publicKey, verifyP256);
    } catch {
      return false;
    }
  };

  t.true(genuine('dev-1', sealed));
  t.false(genuine('dev-2', sealed));
  for (let at = 0; at < sealed.byteLength; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const forged = Uint8Array.from(sealed);
      forged[at] = (sealed[at] ?? 0) ^ (1 << bit);
      t.false(genuine('dev-1', forged), `byte ${at} bit ${bit}`);
    }
  }
  const { signed } = open('dev-1', sealed);
  t.true(Buffer.from(signed).toString('latin1').startsWith('holdfast/1/dev-1/ack/'));
});

test('the largest value that is in no parts fits into any entry with the longest names', (t) => {
  const longest = {
    text: (lengthMax: number) => fc.constant('漢'.repeat(lengthMax)),
    uint: (max: number) => fc.constant(max),
    bytes: () => fc.constant(new Uint8Array(VALUE_INLINE_MAX)),
  };
  for (const kind of entryKinds) {
    const [entry] = fc.sample(anyEntry(kind, longest), 1);
    if (entry !== undefined) t.true(encodeEntry(entry).byteLength <= ENTRY_BYTES_MAX, kind);
  }
});

test('the largest entry fits into a batch, and a result of its size into a command', (t) => {
  const hash = new Uint8Array(32);
  const payload = encodeWith(batchEntries, [new Uint8Array(ENTRY_BYTES_MAX)]);
  const batch: Message = {
    kind: 'batch',
    epoch: 2 ** 53 - 1,
    lane: 'bulk',
    seqFirst: 2 ** 53 - 1,
    count: 1,
    previousHash: hash,
    encoding: 'plain',
    plainBytes: payload.byteLength,
    payload,
    hash,
  };
  const name = '漢'.repeat(128);
  const commands: Message = {
    kind: 'commands',
    commands: [
      {
        number: 1,
        kind: 'call.completed',
        expiresAtMs: 0,
        run: name,
        op: 1,
        key: name,
        payload: new Uint8Array(ENTRY_BYTES_MAX),
        name,
      },
    ],
  };

  t.true(seal('d'.repeat(64), batch, signer).byteLength <= MESSAGE_BYTES_MAX);
  t.true(seal('d'.repeat(64), commands, signer).byteLength <= MESSAGE_BYTES_MAX);
});

test('what is above its bounds is refused where it is made', (t) => {
  const stamp = { atMs: 1, boot: 1, monoMs: 1, run: 'r', n: 1 };
  const hash = new Uint8Array(32);
  const made = {
    entry: (output: Uint8Array) => encodeEntry({ kind: 'run.completed', ...stamp, output }),
    batch: (payload: Uint8Array) =>
      seal(
        'd',
        {
          kind: 'batch',
          epoch: 1,
          lane: 'bulk',
          seqFirst: 1,
          count: 1,
          previousHash: hash,
          encoding: 'plain',
          plainBytes: 1,
          payload,
          hash,
        },
        signer,
      ),
  };

  t.throws(() => made.entry(new Uint8Array(ENTRY_BYTES_MAX)), { code: 'HF_VALUE_TOO_LARGE' });
  t.throws(() => made.batch(new Uint8Array(MESSAGE_BYTES_MAX)), { code: 'HF_MESSAGE_TOO_LARGE' });
});

test('a writer does not make what its reader would refuse', (t) => {
  const status = { atMs: 1, boot: 1, monoMs: 1, run: 'r', n: 1, op: 1, name: 'status' };
  const write = (changes: object) => () =>
    encodeEntry({ kind: 'run.status', ...status, status: new Uint8Array(), ...changes });
  const refused = { instanceOf: AssertionError };

  t.notThrows(write({}));
  t.throws(write({ monoMs: 0.5 }), { ...refused, message: /monoMs is 0\.5/ });
  t.throws(write({ n: -1 }), refused);
  t.throws(write({ boot: Number.NaN }), refused);
  t.throws(write({ atMs: 2 ** 53 }), refused);
  t.throws(write({ name: 'x'.repeat(129) }), refused);
  const entries = Array.from({ length: BATCH_ENTRIES_MAX + 1 }, () => new Uint8Array());
  t.throws(() => encodeWith(batchEntries, entries), refused);
});

test('text for people is cut to what its reader takes, whatever it holds', (t) => {
  const stamp = { atMs: 1, boot: 1, monoMs: 1, run: 'r', n: 1 };
  for (const reason of [
    'x'.repeat(1_025),
    '😀'.repeat(600),
    '\ud800'.repeat(1_024),
    'short',
    '',
    '\ud800',
  ]) {
    const back = decodeEntry(encodeEntry({ kind: 'run.cancelled', ...stamp, reason }));
    t.true(back.kind === 'run.cancelled' && back.reason.length <= 1_024);
    const beginning = Buffer.from(reason.slice(0, 4)).toString();
    t.is(back.kind === 'run.cancelled' && back.reason.slice(0, 4), beginning);
  }
});

test('topics name a device and a channel, and nothing else parses', (t) => {
  for (const channel of channels) {
    t.deepEqual(parseTopic(topicOf('pump-017_A', channel)), { device: 'pump-017_A', channel });
  }
  const others = [
    '',
    'holdfast/1/d',
    'holdfast/1/d/up/x',
    'holdfast/2/d/up',
    'other/1/d/up',
    'holdfast/1//up',
    'holdfast/1/+/up',
    'holdfast/1/#',
    'holdfast/1/a b/up',
    'holdfast/1/d/down\n',
    `holdfast/1/${'d'.repeat(65)}/up`,
    '/holdfast/1/d/up',
  ];
  for (const topic of others) t.is(parseTopic(topic), undefined, topic);
  t.true(gatewayTopics.every((topic) => topic.split('/').length === 4));
});

test('the highest version that both sides speak is chosen', (t) => {
  const peer = (protocolMin: number, protocolMax: number) =>
    negotiate({ protocolMin, protocolMax });

  t.is(peer(1, PROTOCOL_VERSION), PROTOCOL_VERSION);
  t.is(peer(1, 0xffff), PROTOCOL_VERSION);
  t.is(peer(PROTOCOL_VERSION + 1, 0xffff), undefined);
  t.is(peer(0, 0), undefined);
  t.is(peer(5, 2), undefined);
});

test('a changed message or entry needs a new version', (t) => {
  const fingerprint = createHash('sha256').update(protocolShape).digest('hex').slice(0, 12);

  // Fails when any message or entry changes. What was released stays readable: raise
  // PROTOCOL_VERSION, add its line of history, then change both here.
  t.deepEqual(
    { version: PROTOCOL_VERSION, fingerprint },
    { version: 1, fingerprint: 'b91c6d794401' },
  );
});
