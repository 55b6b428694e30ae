import { formatCount, type Column } from '@holdfast/protocol';
import type { Command } from 'commander';
import type { CallView } from '../core/call-views.ts';
import type { DeviceView } from '../core/device-views.ts';
import type { RunView } from '../core/fleet-views.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import {
  debugOption,
  limitOption,
  outputOption,
  sourceOf,
  withLedger,
  type CommonOptions,
} from './options.ts';
import { ago, table } from './tables.ts';
import { createTerminal, show, type Terminal } from './terminal.ts';
import { watch, watchOption, type WatchFlag } from './watch.ts';

type Options = SourceOptions &
  CommonOptions & { readonly limit: number; readonly watch?: WatchFlag };

/** What goes on only once a person has looked. */
interface StuckView {
  readonly schema: 'holdfast.stuck/1';
  readonly at: string;
  /** That are stuck, or of which two have one identity. */
  readonly devices: readonly DeviceView[];
  readonly runs: readonly RunView[];
  /** Whose handler has failed in every attempt. */
  readonly calls: readonly CallView[];
}

const about = `
Devices that are connected and get nothing across, or of which two have one identity; runs that need
a person; calls whose handler failed in every attempt.

Examples:
  holdfast-gateway stuck --data-dir ./gateway
  holdfast-gateway stuck --watch=10s --context prod`;

export function addStuck(program: Command): void {
  withLedger(sourceOf(program, 'stuck'))
    .description('Show what goes on only once a person has looked: devices, runs, calls')
    .addOption(limitOption('of each'))
    .addOption(watchOption())
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', about)
    .action(async (options: Options) => {
      const terminal = createTerminal(options.output);
      const read = () => readStuck(options);
      if (options.watch !== undefined) {
        return watch(terminal, options.watch, { read, text: stuckText });
      }
      const view = await read();
      show(terminal, view, () => stuckText(view, terminal));
    });
}

function readStuck(options: Options): Promise<StuckView> {
  const { limit } = options;
  return withFleet(options, async (fleet) => {
    const { at, devices } = await fleet.devices({ state: ['stuck', 'conflict'], limit });
    const { runs } = await fleet.runs({ state: ['stuck'], limit });
    const { calls } = await fleet.calls({ state: 'parked', limit });
    return { schema: 'holdfast.stuck/1', at, devices, runs, calls };
  });
}

const deviceColumns: readonly Column[] = [
  { title: 'device' },
  { title: 'state' },
  { title: 'last ack' },
  { title: 'why' },
];
const runColumns: readonly Column[] = [
  { title: 'run' },
  { title: 'device' },
  { title: 'workflow', drop: 1 },
  { title: 'since' },
  { title: 'why' },
];
const callColumns: readonly Column[] = [
  { title: 'call' },
  { title: 'device' },
  { title: 'parked' },
  { title: 'why' },
];

function stuckText({ devices, runs, calls }: StuckView, terminal: Terminal): string {
  const count = devices.length + runs.length + calls.length;
  if (count === 0) return 'Nothing is stuck.';
  const shown = [
    devices.length === 0 ? '' : deviceTable(devices, terminal),
    runs.length === 0 ? '' : runTable(runs, terminal),
    calls.length === 0 ? '' : callTable(calls, terminal),
  ];
  const foot = `${formatCount(count)} in all: \`holdfast-gateway explain CODE\` says what to do`;
  return [...shown.filter((text) => text !== ''), foot].join('\n\n');
}

function deviceTable(devices: StuckView['devices'], terminal: Terminal): string {
  const rows = devices.map(({ device, state, lastAckAt, refusal }) => [
    { text: device, tone: 'cyan' as const },
    { text: state, tone: 'red' as const },
    ago(terminal, lastAckAt),
    refusal?.code ?? 'nothing is acknowledged',
  ]);
  return table(terminal, deviceColumns, rows);
}

function runTable(runs: StuckView['runs'], terminal: Terminal): string {
  const rows = runs.map(({ id, device, workflow, updatedAt, reason }) => [
    { text: id, tone: 'cyan' as const },
    device,
    workflow,
    ago(terminal, updatedAt),
    [reason?.code, reason?.step].filter((each) => each !== null && each !== undefined).join(' '),
  ]);
  return table(terminal, runColumns, rows);
}

function callTable(calls: StuckView['calls'], terminal: Terminal): string {
  const rows = calls.map(({ service, number, device, parked }) => [
    `${service} ${number}`,
    { text: device, tone: 'cyan' as const },
    ago(terminal, parked?.at ?? null),
    parked?.code ?? parked?.why ?? '-',
  ]);
  return table(terminal, callColumns, rows);
}
