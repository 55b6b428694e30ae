import { HoldfastError } from '@holdfast/protocol';
import type { ScheduleOptions } from '../agent-options.ts';
import { isWorkflow, type Workflow } from '../core/workflow.ts';

/** One item of `export const schedules` of a file of workflows: what `agent.schedule` takes. */
export interface ScheduleSpec extends ScheduleOptions {
  /** Name of a workflow that the same file exports. */
  readonly workflow: string;
}

const texts = ['id', 'timezone', 'missed', 'overlap'];
const durations = ['maxAge', 'jitter'];
const known = new Set(['cron', 'workflow', 'input', ...texts, ...durations]);

/** @throws HF_CODE_UNREADABLE for what is no list of schedules of these workflows. */
export function readSchedules(
  value: unknown,
  path: string,
  workflows: readonly Workflow[],
): readonly ScheduleSpec[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong(path, 'is not a list');
  const items: readonly unknown[] = value;
  return items.map((item, index) => {
    const spec = readSchedule(item, (why) => wrong(path, `[${index}] ${why}`));
    if (workflows.some(({ name }) => name === spec.workflow)) return spec;
    throw wrong(path, `[${index}] names ${spec.workflow}, which the file does not export`);
  });
}

function wrong(path: string, why: string): HoldfastError {
  return new HoldfastError('HF_CODE_UNREADABLE', { why: `schedules of ${path} ${why}` });
}

function readSchedule(item: unknown, fault: (why: string) => HoldfastError): ScheduleSpec {
  if (typeof item !== 'object' || item === null) throw fault('is not an object');
  const spec = item as Readonly<Record<string, unknown>>;
  const stranger = Object.keys(spec).find((name) => !known.has(name));
  if (stranger !== undefined) throw fault(`has the unknown field ${stranger}`);
  const text = (name: string): string | undefined => {
    const value = spec[name];
    if (value === undefined || typeof value === 'string') return value;
    throw fault(`has a field ${name} that is not text`);
  };
  const cron = text('cron');
  const workflow = isWorkflow(spec['workflow']) ? spec['workflow'].name : text('workflow');
  if (cron === undefined || workflow === undefined) throw fault('lacks cron or workflow');
  for (const name of texts) text(name);
  for (const name of durations) {
    if (typeof spec[name] !== 'number') text(name);
  }
  // What a text may say is checked where it is used.
  return { ...spec, cron, workflow };
}
