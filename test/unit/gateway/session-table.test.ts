import test from 'ava';
import type { Session, SessionEvent } from '@holdfast/gateway/internal';
import { NO_BYTES, type MessageKind } from '@holdfast/protocol';
import { newSigner } from '../../support/hand-journal.ts';
import {
  batch,
  command,
  hello,
  journal,
  keyName,
  known,
  message,
  online,
  position,
  record,
  report,
  run,
  said,
  stranger,
  unheld,
} from '../../support/session-bench.ts';

const tail = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const commands = [command(5), command(6)];
/** Commands 5 and 6 are on their way, in one message. */
const telling = run(
  known,
  message(hello),
  { kind: 'greeted', hello: { ...hello, lastCommand: 4 }, record, held: unheld, keyName },
  { kind: 'commandsRead', after: 4, commands },
  { kind: 'handedOver', commands, tail: '0102030405060708' },
).state;

const states = { stranger, known, online, telling };
type StateName = keyof typeof states;

const hole = { kind: 'hole', ...journal.hole('bulk', 1, 2) } as const;
const refusal = { kind: 'refusal', code: 'HF_MESSAGE_INVALID', why: '', retryAfterMs: 0 } as const;
const { headHash: at } = hello.lanes[1];
const marks = { lane: 'normal', watermark: 1, hash: at, missingFrom: 0 } as const;
const welcome = { protocol: 1, session: tail, gateway: 'gw', publicKey: tail, nowMs: 1 } as const;
const verdict = { watermark: 0, hash: at, verdict: 'ok' } as const;
const times = { reportEveryMs: 1, reconnectSpreadMs: 1, epoch: 1 };
const terms = { batchBytesMax: 1, inflightMax: 1, ...times };
const greeted = { kind: 'greeted', hello, record, held: unheld, keyName } as const;
const committed = { kind: 'committed', position, fresh: 3, calls: 0, issued: 0 } as const;

type Cases = Readonly<Record<string, SessionEvent>>;
/** Each kind of message and event, in the cases that differ. A missing one does not compile. */
const cases = {
  hello: {
    right: message(hello),
    'of another device': message({ ...hello, device: 'd2' }),
    'of versions to come': message({ ...hello, protocolMin: 7, protocolMax: 9 }),
    forged: message(hello, false),
    'with another key': message(journal.hello(newSigner()), false),
  },
  batch: {
    right: message(batch),
    forged: message(batch, false),
    'by the key before': { ...message(batch, false), isRevoked: true },
    'of another epoch': message({ ...batch, epoch: 2 }),
    'without entries': message({ ...batch, count: 0 }),
  },
  hole: {
    right: message(hole),
    forged: message(hole, false),
    'that ends before it begins': message({ ...hole, seqFirst: 2, seqLast: 1 }),
  },
  report: {
    right: message(report),
    forged: message(report, false),
    'of another epoch': message({ ...report, epoch: 2 }),
  },
  refusal: {
    'of nothing': message({ ...refusal, of: NO_BYTES }),
    'of what is on its way': message({ ...refusal, of: tail }),
    'of what is not': message({ ...refusal, of: tail.toReversed() }),
    forged: message({ ...refusal, of: tail }, false),
  },
  welcome: {
    any: message({ kind: 'welcome', ...welcome, lanes: [verdict, verdict, verdict], ...terms }),
  },
  ack: { any: message({ kind: 'ack', epoch: 1, ...marks, slowMs: 0, kept: [] }) },
  commands: { any: message({ kind: 'commands', commands: [] }) },
  unreadable: { any: { kind: 'unreadable', why: 'noise', tail } },
  undecodable: { any: { kind: 'undecodable', why: 'no such bytes', tail } },
  dropped: { any: { kind: 'dropped' } },
  unavailable: {
    greeting: { kind: 'unavailable', why: 'gone', isBatch: false },
    batch: { kind: 'unavailable', why: 'gone', isBatch: true },
  },
  greeted: {
    right: greeted,
    'by another key': { ...greeted, hello: journal.hello(newSigner()) },
    'after all commands': { ...greeted, hello: { ...hello, lastCommand: 9 } },
  },
  ingested: {
    committed: { kind: 'ingested', waitedMs: 0, batch, outcome: { ...committed, lastReceipt: 4 } },
    'committed with receipts': {
      ...{ kind: 'ingested', waitedMs: 0, batch },
      outcome: { ...committed, lastReceipt: 6 },
    },
    gap: { kind: 'ingested', waitedMs: 0, batch, outcome: { kind: 'gap', position } },
    forked: { kind: 'ingested', waitedMs: 0, batch, outcome: { kind: 'forked', position } },
    unknown: { kind: 'ingested', waitedMs: 0, batch, outcome: { kind: 'unknown' } },
  },
  ahead: { any: { kind: 'ahead', batch, position, kept: [{ seqFirst: 5, seqLast: 9 }] } },
  commandsRead: {
    'the next': { kind: 'commandsRead', after: 4, commands },
    'those behind': { kind: 'commandsRead', after: 6, commands: [command(7)] },
    none: { kind: 'commandsRead', after: 4, commands: [] },
  },
  handedOver: { any: { kind: 'handedOver', commands, tail: '00' } },
  looked: { any: { kind: 'looked', record } },
  issued: { any: { kind: 'issued' } },
  rekeyed: {
    any: {
      kind: 'rekeyed',
      keys: { publicKey: tail, awaitedKey: '', revokedKey: hello.publicKey },
    },
  },
  tick: { any: { kind: 'tick' } },
} satisfies Record<MessageKind | Exclude<SessionEvent['kind'], 'message'>, Cases>;

/** What is done in all states, or in each. */
type Row = string | Readonly<Record<StateName, string>>;
type Table = { readonly [K in keyof typeof cases]: Readonly<Record<keyof (typeof cases)[K], Row>> };

const unreadable = 'refuse HF_MESSAGE_INVALID';
const unknown = 'refuse HF_EPOCH_UNKNOWN';
const forged = 'refuse HF_SIGNATURE_INVALID';
/** Whoever was greeted is known by a key. */
const forgery = { stranger: unknown, known: forged, online: forged, telling: forged };
const wrong = { stranger: unknown, known: unreadable, online: unreadable, telling: unreadable };

const table: Table = {
  hello: {
    right: 'greet',
    'of another device': unreadable,
    'of versions to come': 'refuse HF_VERSION_UNSUPPORTED',
    forged,
    'with another key': forged,
  },
  batch: {
    right: { stranger: unknown, known: 'read >4 64, ingest', online: 'ingest', telling: 'ingest' },
    forged: forgery,
    'by the key before': `${forged}, quarantine`,
    'of another epoch': unknown,
    'without entries': wrong,
  },
  hole: {
    right: {
      stranger: unknown,
      known: 'read >4 64, declare',
      online: 'declare',
      telling: 'declare',
    },
    forged: forgery,
    'that ends before it begins': wrong,
  },
  report: {
    right: { stranger: '', known: 'read >4 64', online: 'noteClock', telling: 'noteClock' },
    forged: forgery,
    'of another epoch': '',
  },
  refusal: {
    'of nothing': '',
    'of what is on its way': { stranger: '', known: '', online: '', telling: 'read >4 1' },
    'of what is not': '',
    forged: forgery,
  },
  welcome: { any: unreadable },
  ack: { any: unreadable },
  commands: { any: unreadable },
  unreadable: { any: unreadable },
  undecodable: { any: unreadable },
  dropped: { any: '' },
  unavailable: { greeting: 'refuse HF_LEDGER_UNAVAILABLE', batch: 'refuse HF_LEDGER_UNAVAILABLE' },
  greeted: {
    right: {
      stranger: 'send welcome, read >0 64',
      known: 'send welcome, read >0 64',
      online: 'send welcome',
      telling: 'send welcome, read >0 64',
    },
    'by another key': forged,
    'after all commands': {
      stranger: 'send welcome, read >9 64',
      known: 'send welcome, read >9 64',
      online: 'send welcome',
      telling: 'send welcome, read >9 64',
    },
  },
  ingested: {
    committed: {
      stranger: 'send ack, read >4 64',
      known: 'send ack',
      online: 'send ack',
      telling: 'send ack',
    },
    'committed with receipts': {
      stranger: 'send ack, read >6 64',
      known: 'send ack, read >6 64',
      online: 'send ack',
      telling: 'send ack, read >6 64',
    },
    gap: 'send ack',
    forked: 'refuse HF_CHAIN_BROKEN',
    unknown,
  },
  ahead: { any: 'send ack, missing 4, kept 5-9' },
  commandsRead: {
    'the next': { stranger: '', known: 'send commands', online: '', telling: '' },
    'those behind': { stranger: '', known: '', online: '', telling: 'send commands' },
    none: '',
  },
  handedOver: { any: '' },
  looked: { any: '' },
  issued: { any: { stranger: '', known: '', online: '', telling: 'read >6 62' } },
  rekeyed: { any: '' },
  tick: { any: '' },
};

test('each event in each state does what the table says', (t) => {
  for (const [kind, each] of Object.entries<Cases>(cases)) {
    for (const [name, event] of Object.entries(each)) {
      const rows: Readonly<Record<string, Row>> = table[kind as keyof Table];
      for (const [state, session] of Object.entries<Session>(states)) {
        const row = rows[name] ?? 'no row';
        const expected = typeof row === 'string' ? row : row[state as StateName];
        t.is(said(run(session, event).effects), expected, `${state} × ${kind} ${name}`);
      }
    }
  }
});
