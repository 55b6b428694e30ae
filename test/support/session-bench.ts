import {
  newSession,
  sessionsLimits,
  step,
  type Session,
  type SessionEffect,
  type SessionEvent,
  type SessionStep,
} from '@holdfast/gateway/internal';
import { NO_BYTES, eachLane, type Command, type Message } from '@holdfast/protocol';
import { HandJournal, newSigner } from './hand-journal.ts';

export const nowMs = Date.UTC(2026, 0, 1);
export const signer = newSigner();
export const limits = { ...sessionsLimits, gateway: 'gw-test', publicKey: signer.publicKey };
export const journal = new HandJournal('d1').facts('normal', 3);
export const hash = new Uint8Array(32);
export const hello = journal.hello(signer);
export const batch = journal.batch('normal', 1, 3);
export const position = { watermark: 3, hash };
export const record = {
  device: 'd1',
  publicKey: signer.publicKey,
  awaitedKey: '',
  revokedKey: new Uint8Array(0),
  epoch: 1,
  began: { atMs: 1, cause: '' },
  firstSeenAtMs: 1,
  lanes: eachLane((lane) => ({ watermark: 0, hash: journal.hashes(lane)[0] ?? hash })),
  lastCommand: 9,
  lastReceipt: 4,
  tags: [],
  holes: { count: 0, entries: 0, bytes: 0 },
};
export const keyName = 'a key';
/** Nothing to compare with. */
export const unheld = eachLane(() => ({ head: undefined, acked: undefined }));
export const report = {
  kind: 'report',
  epoch: 1,
  atMs: nowMs,
  agentVersion: '0.1.0',
  lanes: eachLane(() => ({ head: 5, acked: 0, backlogBytes: 10, oldestAtMs: nowMs })),
  runs: [],
  boot: 1,
  monoMs: 21,
} as const;

export function command(number: number, bytes = 10): Command {
  const of = { kind: 'call.completed', expiresAtMs: 0, run: 'r1', op: 1, key: 'k' } as const;
  return { number, ...of, name: '', payload: new Uint8Array(bytes) };
}

/** What a step did, in a few words: `refuse HF_…`, `send ack`, `ingest`, …. */
export function said(effects: readonly SessionEffect[]): string {
  const word = (effect: SessionEffect): string => {
    if (effect.kind === 'log' || effect.kind === 'count') return '';
    if (effect.kind === 'readCommands') return `read >${effect.read.after} ${effect.read.limit}`;
    if (effect.kind !== 'send') return effect.kind;
    const { message: of } = effect;
    if (of.kind === 'refusal') return `refuse ${of.code}`;
    if (of.kind !== 'ack' || of.kept.length === 0) return `send ${of.kind}`;
    const kept = of.kept.map(({ seqFirst, seqLast }) => `${seqFirst}-${seqLast}`).join(' ');
    return `send ack, missing ${of.missingFrom}, kept ${kept}`;
  };
  return effects.map(word).filter(Boolean).join(', ');
}

export function message(
  of: Message,
  genuine = true,
): Extract<SessionEvent, { readonly kind: 'message' }> {
  return { kind: 'message', message: of, genuine, keyName, isRevoked: false, tail: NO_BYTES };
}

export function run(state: Session, ...events: readonly SessionEvent[]): SessionStep {
  const first: SessionStep = { state, effects: [] };
  return events.reduce((last, event) => step(last.state, event, { nowMs, limits }), first);
}

export const stranger = newSession('d1', undefined);
export const known = newSession('d1', record);
export const online = run(known, message(hello), {
  kind: 'greeted',
  hello,
  record,
  held: unheld,
  keyName,
}).state;
