import type { InstructionKind } from '../src/core/dispatch.ts';
import type { CommandView } from '../src/core/fleet-views.ts';
import { api } from './api.ts';

/** A command that nobody has looked after for so long is not what was meant any more. */
const LIFE_MS = 7 * 86_400_000;

export interface Order {
  readonly kind: InstructionKind;
  readonly run?: string;
  readonly name?: string;
  readonly payload?: unknown;
}

/** Tells one device to do something, within a week. */
export function issue(device: string, order: Order): Promise<CommandView> {
  const expiresAt = new Date(Date.now() + LIFE_MS).toISOString();
  return api.ask('POST /api/commands', { body: { ...order, to: { device }, expiresAt } });
}

/** Says that a command is under way, and where to see what becomes of it. */
export function Issued({ command }: { readonly command: CommandView | undefined }) {
  if (command === undefined) return null;
  const { id, kind, to } = command;
  return (
    <p class="note good" role="status">
      {kind} is <a href={`#/commands/${encodeURIComponent(id)}`}>on its way</a> to {to}.
    </p>
  );
}
