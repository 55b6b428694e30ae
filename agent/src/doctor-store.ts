import { formatCount } from '@holdfast/protocol';
import { checkStore, type StoreCheckView } from './check-store.ts';
import { failed, found, type Finding } from './core/finding.ts';
import type { Patient } from './doctor-patient.ts';
import { CHECK_MS_OWN, inTime } from './io/checks/check-time.ts';

/** Codes of problems that other checks tell of. */
const elsewhere: ReadonlySet<string> = new Set([
  'HF_RUN_STUCK',
  'HF_DATA_DIR_FILE_SYSTEM',
  'HF_ENTRY_UNSENDABLE',
]);

/** What the agent says of its store; of a stopped one, each byte, as far as there is time. */
export async function store({ status, dataDir, storeKey }: Patient): Promise<readonly Finding[]> {
  if (status?.agent.running === true) {
    const { journal, link, problems } = status;
    const known = problems.filter((each) => !elsewhere.has(each.code) && each !== link.problem);
    const own = journal.problem === null ? [] : [journal.problem];
    const faults = [...own, ...known.filter(({ code: each }) => each !== link.problem?.code)];
    if (faults.length > 0) return faults.map((each) => failed('store', each));
    return [found('store', 'ok', 'the agent reads and writes it')];
  }
  if (dataDir === undefined) return [found('store', 'skipped', 'no data directory is named')];
  const seen = await lookAtStore(dataDir, storeKey);
  if (typeof seen === 'string') return [found('store', 'ok', seen)];
  const { state, why, entries, faults, mismatches } = seen;
  if (state === 'sound' || state === 'torn') {
    return [found('store', 'ok', `every byte of ${formatCount(entries)} entries is sound`)];
  }
  const text = why ?? [...faults.map((each) => each.why), ...mismatches].join('; ');
  return [found('store', 'failure', `it is ${state}: ${text}`, 'Start the agent: it salvages it.')];
}

/** @returns In words how far it came, where it is too large to be read whole in the time. */
async function lookAtStore(
  dataDir: string,
  storeKey: string | undefined,
): Promise<StoreCheckView | string> {
  const endMs = performance.now() + CHECK_MS_OWN;
  let read = 0;
  const soFar = (): string => {
    return `${formatCount(read)} entries are sound; holdfast store check reads the others`;
  };
  const looking = checkStore(dataDir, storeKey, (done) => {
    read = done;
    if (performance.now() > endMs) throw new TookLong();
  }).catch((error: unknown) => {
    if (error instanceof TookLong) return soFar();
    throw error;
  });
  return inTime<StoreCheckView | string>(looking, CHECK_MS_OWN + 100, soFar);
}

class TookLong extends Error {}
