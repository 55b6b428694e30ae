import { COMMANDS_MAX, MESSAGE_BYTES_MAX, type Command } from '@holdfast/protocol';
import { doubtAfter, isStalled, readable, type Doubt } from './outbox-doubt.ts';

/**
 * Where a device stands with its commands. The commands themselves are in the ledger: what is lost
 * here, or on the way, is read and sent again.
 *
 * What is on its way is bounded in bytes, by what the link was seen to carry: a storm of commands
 * neither fills a slow link nor waits for each receipt on a fast one.
 */
export interface Outbox {
  /** Highest number that the device has applied, as its receipts or its hello say. */
  readonly applied: number;
  /** Highest number sent since; ≥ applied. */
  readonly sent: number;
  /** Commands without a receipt, oldest first. */
  readonly flights: readonly Flight[];
  /** Nothing more is sent while so many bytes are on their way. */
  readonly windowBytes: number;
  /** When something was sent, or a receipt came. */
  readonly progressAtMs: number;
  /** How often all of it was sent again since a receipt came. */
  readonly resends: number;
  /** A read from the ledger is under way. */
  readonly reading: boolean;
  /** Something changed during the read: look again when it is done. */
  readonly again: boolean;
  /** The device cannot read one of these. */
  readonly doubt: Doubt | undefined;
}

interface Flight {
  readonly number: number;
  readonly bytes: number;
  readonly sentAtMs: number;
  /** The last bytes of its message, in hex; empty: it was not handed over yet. */
  readonly tail: string;
}

/** The next commands to read: numbers above `after`, at most `limit`. */
export interface CommandRead {
  readonly after: number;
  readonly limit: number;
}

export interface Pumped {
  readonly outbox: Outbox;
  readonly read: CommandRead | undefined;
}

/** Seven seconds of 9.6 kbit/s: before anything is known of the link. */
const WINDOW_BYTES_FIRST = 8 * 1024;
const WINDOW_BYTES_MIN = 512;
/** A receipt that comes sooner shows that the link has room, a later one that it has none. */
const SOON_MS = 2_000;
const LATE_MS = 8_000;
/** Eight times the pause at most: what is not heard is mostly a link that is busy. */
const RESEND_DOUBLINGS_MAX = 3;

export function emptyOutbox(applied: number): Outbox {
  return {
    applied,
    sent: applied,
    flights: [],
    windowBytes: WINDOW_BYTES_FIRST,
    progressAtMs: 0,
    resends: 0,
    reading: false,
    again: false,
    doubt: undefined,
  };
}

/** Starts a read if the window has room. */
export function pump(outbox: Outbox): Pumped {
  if (outbox.reading) return { outbox: { ...outbox, again: true }, read: undefined };
  const { flights, windowBytes, sent } = outbox;
  // Of what is in doubt, each waits for what became of the one before it.
  const limit = outbox.doubt === undefined ? COMMANDS_MAX - flights.length : 1 - flights.length;
  const isFull = flights.length > 0 && bytesOf(flights) >= windowBytes;
  if (limit <= 0 || isFull || isStalled(outbox)) return { outbox, read: undefined };
  return { outbox: { ...outbox, reading: true, again: false }, read: { after: sent, limit } };
}

function bytesOf(flights: readonly Flight[]): number {
  return flights.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The device begins anew after `applied`: what was sent may never have come. */
export function restart(outbox: Outbox, applied: number): Outbox {
  const windowBytes = Math.min(outbox.windowBytes, WINDOW_BYTES_FIRST);
  const nothing = { flights: [], windowBytes, resends: 0 };
  const doubt = doubtAfter(outbox, applied);
  return { ...outbox, ...nothing, applied, sent: applied, again: outbox.reading, doubt };
}

/** Nothing was heard for too long: all of it is sent again, less of it at a time. */
export function resend(outbox: Outbox): Outbox {
  const resends = outbox.resends + 1;
  const windowBytes = Math.max(WINDOW_BYTES_MIN, outbox.windowBytes / 2);
  return { ...restart(outbox, outbox.applied), resends, windowBytes };
}

/** Whether commands have been without a receipt for so long that they are sent again. */
export function isResendDue(outbox: Outbox, nowMs: number, resendMs: number): boolean {
  if (outbox.sent <= outbox.applied || outbox.reading) return false;
  const factor = 2 ** Math.min(outbox.resends, RESEND_DOUBLINGS_MAX);
  return nowMs - outbox.progressAtMs >= resendMs * factor;
}

/** Takes receipts into account. */
export function receive(outbox: Outbox, applied: number, nowMs: number): Outbox {
  if (applied <= outbox.applied) return outbox;
  const newest = outbox.flights.findLast(({ number }) => number <= applied);
  const flights = outbox.flights.filter(({ number }) => number > applied);
  const tookMs = newest === undefined ? undefined : nowMs - newest.sentAtMs;
  return {
    ...outbox,
    applied,
    sent: Math.max(outbox.sent, applied),
    flights,
    doubt: outbox.doubt && outbox.doubt.through > applied ? outbox.doubt : undefined,
    windowBytes: windowAfter(outbox.windowBytes, tookMs),
    progressAtMs: nowMs,
    resends: 0,
  };
}

function windowAfter(windowBytes: number, tookMs: number | undefined): number {
  if (tookMs === undefined || (tookMs > SOON_MS && tookMs < LATE_MS)) return windowBytes;
  if (tookMs <= SOON_MS) return Math.min(MESSAGE_BYTES_MAX, windowBytes * 2);
  return Math.max(WINDOW_BYTES_MIN, windowBytes / 2);
}

/** Takes the commands that were read, if they are still the next ones, as far as there is room. */
export function taken(
  outbox: Outbox,
  found: { readonly after: number; readonly commands: readonly Command[]; readonly nowMs: number },
): { readonly outbox: Outbox; readonly commands: readonly Command[] } {
  const idle = { ...outbox, reading: false };
  if (found.after !== outbox.sent) return { outbox: idle, commands: [] };
  const { nowMs: sentAtMs } = found;
  const flights = [...outbox.flights];
  const commands: Command[] = [];
  let bytes = bytesOf(flights);
  for (const command of found.commands) {
    if (flights.length > 0 && bytes >= outbox.windowBytes) break;
    bytes += sizeOf(command);
    flights.push({ number: command.number, bytes: sizeOf(command), sentAtMs, tail: '' });
    commands.push(readable(outbox, command));
  }
  const last = commands.at(-1);
  if (last === undefined) return { outbox: idle, commands };
  return { outbox: { ...idle, sent: last.number, flights, progressAtMs: sentAtMs }, commands };
}

/** Takes in by which bytes the message is known that commands were sent in. */
export function handedOver(
  outbox: Outbox,
  { commands, tail }: { readonly commands: readonly Command[]; readonly tail: string },
): Outbox {
  const numbers = new Set(commands.map(({ number }) => number));
  const flights = outbox.flights.map((flight) =>
    numbers.has(flight.number) ? { ...flight, tail } : flight,
  );
  return { ...outbox, flights };
}

/** Room for the envelope and the array heads around the commands of a message. */
const FRAME_BYTES = 512;
/** The numbers of a command and the heads of its fields, at most. */
const COMMAND_HEAD_BYTES = 48;

/** Bytes of a command in a message, at most. */
function sizeOf({ run, key, name, payload }: Command): number {
  return COMMAND_HEAD_BYTES + utf8Max(run) + utf8Max(key) + utf8Max(name) + payload.byteLength;
}

/** A UTF-16 unit takes up to three bytes; most take one. */
function utf8Max(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) bytes += 2;
  return bytes;
}

/** Distributes commands, in order, over messages that a broker takes. */
export function packCommands(commands: readonly Command[]): readonly (readonly Command[])[] {
  const messages: Command[][] = [];
  let room = 0;
  for (const command of commands) {
    const size = sizeOf(command);
    const message = messages.at(-1);
    if (message === undefined || size > room) {
      messages.push([command]);
      room = MESSAGE_BYTES_MAX - FRAME_BYTES - size;
    } else {
      message.push(command);
      room -= size;
    }
  }
  return messages;
}
