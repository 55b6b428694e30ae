import { formatCount, HoldfastError, messageOf } from '@holdfast/protocol';
import { failed, found, type Finding } from './core/finding.ts';
import type { AgentReader } from './core/surface.ts';
import type { RunView } from './core/views.ts';
import type { Workflow } from './core/workflow.ts';
import { Workflows } from './core/workflows.ts';
import { replay } from './io/replay.ts';

const CHECK = 'code';
/** What a person waits for; the newest runs are those of the code that was changed last. */
const RUNS_MAX = 100;
const REPLAY_MS_MAX = 5_000;

/** Runs that cannot go on with the code for one reason. */
interface Trouble {
  readonly error: HoldfastError;
  readonly first: string;
  count: number;
}

/**
 * Whether the runs that have not ended can go on with this code: each is handed its history, and
 * executes nothing.
 */
export async function checkCode(
  agent: Pick<AgentReader, 'runs' | 'history'>,
  workflows: readonly Workflow[],
): Promise<readonly Finding[]> {
  const code = new Workflows(workflows);
  const { runs, next } = await agent.runs({ limit: RUNS_MAX });
  const troubles = new Map<string, Trouble>();
  const endMs = performance.now() + REPLAY_MS_MAX;
  let looked = 0;
  for (const run of runs) {
    if (performance.now() > endMs) break;
    looked += 1;
    const error = await whyNot(agent, run, code);
    if (error === undefined) continue;
    const cause = `${error.code} ${run.workflow} ${run.version}`;
    const known = troubles.get(cause);
    if (known === undefined) troubles.set(cause, { error, first: run.id, count: 1 });
    else known.count += 1;
  }
  if (troubles.size > 0) return [...troubles.values()].map(findingOf);
  const isAll = next === null && looked === runs.length;
  return [found(CHECK, 'ok', fineText(workflows, looked, isAll))];
}

async function whyNot(
  agent: Pick<AgentReader, 'history'>,
  { id, workflow, version }: RunView,
  code: Workflows,
): Promise<HoldfastError | undefined> {
  const own = code.codeOf({ workflow, version });
  if (own === undefined) {
    const why = `run ${id} is of ${workflow} version ${version}`;
    return new HoldfastError('HF_WORKFLOW_UNKNOWN', { why });
  }
  try {
    const { parting } = await replay(await agent.history(id, { reveal: true }), own);
    if (parting === undefined) return undefined;
    const { expected, came } = parting;
    const why = `run ${id} of ${workflow}: ${expected} was journaled; the code begins ${came}`;
    return new HoldfastError('HF_CODE_MISMATCH', { why });
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    return new HoldfastError('HF_INTERNAL', { why: messageOf(error) });
  }
}

function findingOf({ error, first, count }: Trouble): Finding {
  const { code, why } = error;
  const others = count === 1 ? '' : `, and ${formatCount(count - 1)} more like it`;
  const { message } = new HoldfastError(code, { why: `${why}${others}` });
  const hint = `Bring back the code that it began with, or: holdfast cancel ${first}`;
  return failed(CHECK, { code, message: `${message}${others}`, hint });
}

function fineText(workflows: readonly Workflow[], runs: number, isAll: boolean): string {
  const noun = workflows.length === 1 ? 'workflow' : 'workflows';
  const names = `${formatCount(workflows.length)} ${noun}`;
  if (runs === 0) return `${names}; no run is open`;
  const fit = runs === 1 ? 'the run that is open fits' : `${formatCount(runs)} open runs fit`;
  return `${names}; ${fit}${isAll ? '' : ', the newest ones'}`;
}
