import { hex, type Command, type Refusal } from '@holdfast/protocol';
import { isResendDue, packCommands, pump, resend, taken } from './outbox.ts';
import { isStalled, refused } from './outbox-doubt.ts';
import { seldom, stay, type At } from './session-answers.ts';
import type { SessionEffect, SessionStep } from './session-events.ts';
import { isOnline, type Session } from './session-state.ts';

/** Reads what the window has room for; the commands go out when they have been read. */
export function sendCommands(state: Session): SessionStep {
  const { outbox, read } = pump(state.outbox);
  return {
    state: { ...state, outbox },
    effects: read === undefined ? [] : [{ kind: 'readCommands', read }],
  };
}

export function onCommandsRead(
  state: Session,
  event: { readonly after: number; readonly commands: readonly Command[] },
  at: At,
): SessionStep {
  const { outbox, commands } = taken(state.outbox, { ...event, nowMs: at.nowMs });
  const effects = packCommands(commands).map((each): SessionEffect => ({
    kind: 'send',
    message: { kind: 'commands', commands: each },
  }));
  const next = { ...state, outbox };
  if (!outbox.again) return { state: next, effects };
  const then = sendCommands(next);
  return { state: then.state, effects: [...effects, ...then.effects] };
}

export function onTick(state: Session, at: At): SessionStep {
  const { outbox } = state;
  const isDue = isResendDue(outbox, at.nowMs, at.limits.commandResendMs);
  if (!isDue || !isOnline(state, at)) return stay(state);
  return sendCommands({ ...state, outbox: resend(outbox) });
}

/** The device says that it cannot read what it was sent. Commands go again, one by one. */
export function onRefused(state: Session, refusal: Refusal, at: At): SessionStep {
  const { code, of } = refusal;
  const found = refused(state.outbox, { tail: hex(of), why: refusal.why });
  if (found === undefined) {
    return seldom(state, { code, why: `the device refused: ${refusal.why}` }, [], at);
  }
  const { outbox, what } = found;
  const rest = isStalled(outbox) ? '; it is sent none until it greets again' : '';
  const why = `the device cannot read ${what}: ${refusal.why}${rest}`;
  const told = seldom({ ...state, outbox }, { code, why }, [], at);
  const then = sendCommands(told.state);
  return { state: then.state, effects: [...told.effects, ...then.effects] };
}
