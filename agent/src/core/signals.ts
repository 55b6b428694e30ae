import {
  HoldfastError,
  checkName,
  codeOf,
  decodeValue,
  encodeValue,
  messageOf,
} from '@holdfast/protocol';
import { newId, numberOf, openRun, type Engine } from './engine.ts';
import { sealAbout } from './mark.ts';
import { signalOf } from './signal.ts';
import type { Rider } from './rider.ts';
import type { Workflow } from './workflow.ts';

export interface SignalRun {
  readonly run: string;
  readonly name: string;
  /** Encoded value. */
  readonly payload: Uint8Array;
  /** Counts once in a run. Default: a new one. */
  readonly id?: string | undefined;
  /** Place in a trace of its sender. */
  readonly traceparent?: string | undefined;
  /** Whom it is about. Default: as the run. */
  readonly subject?: string | undefined;
  /** Rides with the commit that has it. */
  readonly rider?: Rider | undefined;
}

interface IdentifiedSignal extends SignalRun {
  readonly id: string;
}

/** Gives runs their signals: an id counts once, however often and whenever it is sent again. */
export class Signals {
  readonly #engine: Engine;
  /** Ids that are on their way to the store, by run. */
  readonly #underway = new Map<string, Promise<void>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Durable once it resolves. One that counted before resolves too, after the end of its run as
   * well: its sender may not have seen the first answer.
   */
  async send(signal: SignalRun): Promise<void> {
    const name = checkName('signal', signal.name);
    const id = checkName('signal id', signal.id ?? newId(this.#engine.ports));
    // Neither holds a line end.
    const key = `${signal.run}\n${id}`;
    // The second waits for what becomes of the first.
    for (let first = this.#underway.get(key); first; first = this.#underway.get(key)) {
      await first.catch(() => undefined);
    }
    const sending = this.#send({ ...signal, name, id }).finally(() => this.#underway.delete(key));
    this.#underway.set(key, sending);
    return sending;
  }

  async #send(signal: IdentifiedSignal): Promise<void> {
    const { name, id, subject } = signal;
    const seal = sealAbout(subject);
    const { workflows, runJournal } = this.#engine;
    const run = await openRun(this.#engine, signal.run).catch(async (error: unknown) => {
      if (codeOf(error) !== 'HF_RUN_FINISHED' || !(await this.#counted(signal))) throw error;
      return undefined;
    });
    if (run === undefined) return;
    if (run.closed || run.isContinuing) return this.#send(signal);
    if (run.progress.signalIds.has(id)) return;
    const payload = readPayload(workflows.codeOf(run.facts), name, signal.payload);
    const body = { kind: 'signal.received', name, id, payload, seal } as const;
    await runJournal.append(run, body, { rider: signal.rider });
    this.#engine.tracing.signalled(run, { name, id }, signal.traceparent);
  }

  /** Whether a run that has ended was given the signal. */
  async #counted({ run, id }: IdentifiedSignal): Promise<boolean> {
    const { store } = this.#engine;
    const number = await numberOf(this.#engine, run);
    if ((await store.earlierSignals(number)).includes(id)) return true;
    // Where an entry is gone, nobody can tell any more.
    const history = await store.history(number).catch(() => []);
    return history.some((entry) => entry.kind === 'signal.received' && entry.id === id);
  }
}

/**
 * What the run is to get, encoded.
 *
 * @throws HF_SIGNAL_REFUSED when its workflow does not take the payload.
 */
function readPayload(code: Workflow | undefined, name: string, payload: Uint8Array): Uint8Array {
  const parse = signalOf(code?.signals ?? [], name)?.parse;
  if (parse === undefined) return payload;
  try {
    return encodeValue(parse(decodeValue(payload)), 'payload');
  } catch (cause) {
    throw new HoldfastError('HF_SIGNAL_REFUSED', { why: `${name}: ${messageOf(cause)}`, cause });
  }
}
