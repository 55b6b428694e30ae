import type { StoreOp } from '@holdfast/protocol';
import type { Engine } from './engine.ts';
import { layout, type GlancedRecord, type NumberedRecord } from './run-store.ts';
import type { RunState } from './views.ts';

/** Ends of the process that a run may be at work in, before it is thought to cause them. */
const CRASHES_MAX = 20;

/** Runs in these states go on by themselves at a start. */
const resumes: ReadonlySet<RunState> = new Set([
  'pending',
  'running',
  'waiting-condition',
  'stuck',
]);

/** Runs loaded side by side at a start: enough to be quick, few enough to stay small. */
const RECOVER_AT_ONCE = 32;

interface Child {
  readonly id: string;
  readonly parent: string;
  readonly parentOp: number;
}

/**
 * Reads which runs have not ended, and sets those going that were at work: each has been loaded
 * once it resolves.
 *
 * @returns The children whose parent has ended without a word to them.
 */
export async function recoverRuns(engine: Engine): Promise<readonly Child[]> {
  const { store, states, residents } = engine;
  await store.eachGlance('f', ({ glance: { state, isContinued } }) => {
    if (!isContinued) states.set(0, state);
  });
  const { active, children } = await readOpen(engine);
  const take = async (): Promise<void> => {
    for (let next = active.pop(); next !== undefined; next = active.pop()) {
      await residents.load(next);
    }
  };
  active.reverse();
  await Promise.all(Array.from({ length: RECOVER_AT_ONCE }, take));
  const orphans: Child[] = [];
  for (const child of children) {
    const number = await store.numberOf(child.parent);
    const isOpen = number !== undefined && states.isOpen(number);
    // A parent that went on in a new history knows nothing of the children of the one before.
    const parent = isOpen ? await residents.load(number).catch(() => undefined) : undefined;
    const isKnown = parent?.progress.children.get(child.parentOp) === child.id;
    if (!isOpen || (parent !== undefined && !isKnown)) orphans.push(child);
  }
  return orphans;
}

/**
 * Runs that have not ended: which are to be set going, and which are children. Counts, for each, a
 * process that did not end in order, and keeps aside those that were at work in too many of them.
 */
async function readOpen(engine: Engine) {
  const { store, states, journal, residents } = engine;
  const inOrder = (await store.meta('in order')) === 1;
  const active: number[] = [];
  const children: Child[] = [];
  const poisoned: NumberedRecord[] = [];
  const ops: StoreOp[] = inOrder ? [layout.meta('in order', 0)] : [];
  const read = ({ number, glance, record: decode }: GlancedRecord): void => {
    states.set(number, glance.state);
    if (!glance.isChild && !resumes.has(glance.state)) return;
    const record = decode();
    if (glance.isChild) children.push(record);
    if (!resumes.has(glance.state)) return;
    const crashes = inOrder || record.state === 'stuck' ? 0 : record.crashes + 1;
    const isPoison = crashes > CRASHES_MAX || record.stuckCode === 'HF_RUN_QUARANTINED';
    if (isPoison) states.set(number, 'stuck');
    else active.push(number);
    const counted = { ...record, crashes: Math.max(crashes, record.crashes) };
    if (!isPoison) residents.expect(number, counted);
    if (counted.crashes === record.crashes) return;
    if (isPoison) poisoned.push({ number, record: counted });
    else ops.push(layout.openRecord(number, counted));
  };
  await store.eachGlance('o', read);
  if (ops.length > 0) await journal.append([], () => ops);
  for (const each of poisoned) await quarantine(engine, each);
  return { active, children };
}

/** Says of a run, without its code, that it waits for a person: in its record and its history. */
async function quarantine(engine: Engine, { number, record }: NumberedRecord): Promise<void> {
  const { store, journal } = engine;
  const { length: n } = await store.places(number);
  const why = {
    code: 'HF_RUN_QUARANTINED',
    reason: `the process ended ${record.crashes} times while it was at work`,
  };
  const kept = { ...record, state: 'stuck' as const, n: n + 1 };
  const stuck = { ...kept, stuckCode: why.code, stuckReason: why.reason };
  const body = { kind: 'run.stuck', run: record.id, n, ...why } as const;
  await journal.append([{ lane: 'normal', run: number, body }], () => [
    layout.openRecord(number, stuck),
  ]);
}
