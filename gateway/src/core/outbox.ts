import { MESSAGE_BYTES_MAX, type Command } from '@holdfast/protocol';

/**
 * Where a device stands with its commands. The commands themselves are in the ledger: what is lost
 * here, or on the way, is read and sent again.
 */
export interface Outbox {
  /** Highest number that the device has applied, as its receipts or its hello say. */
  readonly applied: number;
  /** Highest number sent since; ≥ applied. */
  readonly sent: number;
  readonly sentAtMs: number;
  /** A read from the ledger is under way. */
  readonly reading: boolean;
  /** Something changed during the read: look again when it is done. */
  readonly again: boolean;
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

export function emptyOutbox(applied: number): Outbox {
  return { applied, sent: applied, sentAtMs: 0, reading: false, again: false };
}

/** Starts a read if the window has room. */
export function pump(outbox: Outbox, windowMax: number): Pumped {
  if (outbox.reading) return { outbox: { ...outbox, again: true }, read: undefined };
  const limit = windowMax - (outbox.sent - outbox.applied);
  if (limit <= 0) return { outbox, read: undefined };
  return {
    outbox: { ...outbox, reading: true, again: false },
    read: { after: outbox.sent, limit },
  };
}

/** The device begins anew after `applied`: what was sent may never have come. */
export function restart(outbox: Outbox, applied: number): Outbox {
  return { ...outbox, applied, sent: applied, again: outbox.reading };
}

/** Takes receipts into account. */
export function receive(outbox: Outbox, applied: number): Outbox {
  if (applied <= outbox.applied) return outbox;
  return { ...outbox, applied, sent: Math.max(outbox.sent, applied) };
}

/** Takes the commands that were read, if they are still the next ones. */
export function taken(
  outbox: Outbox,
  found: { readonly after: number; readonly commands: readonly Command[]; readonly nowMs: number },
): { readonly outbox: Outbox; readonly commands: readonly Command[] } {
  const idle = { ...outbox, reading: false };
  const last = found.commands.at(-1);
  if (last === undefined || found.after !== outbox.sent) return { outbox: idle, commands: [] };
  return {
    outbox: { ...idle, sent: last.number, sentAtMs: found.nowMs },
    commands: found.commands,
  };
}

/** Room for the envelope and the array heads around the commands of a message. */
const FRAME_BYTES = 512;
/** Every field of a command but its payload, at most. */
const COMMAND_HEAD_BYTES = 900;

/** Distributes commands, in order, over messages that a broker takes. */
export function packCommands(commands: readonly Command[]): readonly (readonly Command[])[] {
  const messages: Command[][] = [];
  let room = 0;
  for (const command of commands) {
    const size = COMMAND_HEAD_BYTES + command.payload.byteLength;
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
