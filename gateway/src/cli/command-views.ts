import { formatCount, type Cell, type Column, type Tone } from '@holdfast/protocol';
import type { Outcome } from '../core/dispatch.ts';
import type {
  CommandDevicesView,
  CommandProgress,
  CommandView,
  CommandsView,
} from '../core/fleet-views.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { ago, brief, table } from './tables.ts';
import { show, type Terminal } from './terminal.ts';
import { watch, type WatchFlag } from './watch.ts';

/** How far a command is, in words. */
export function progressText({ devices, complete }: CommandProgress): string {
  const { issued, waiting, applied, expired, rejected } = devices;
  const parts = [
    `${formatCount(issued)} device${issued === 1 ? '' : 's'}`,
    ...Object.entries({ waiting, applied, expired, rejected })
      .filter(([, count]) => count > 0)
      .map(([outcome, count]) => `${formatCount(count)} ${outcome}`),
  ];
  const text = parts.join(' · ');
  return complete ? text : `${text} · cut short: issue it again with its id`;
}

const columns: readonly Column[] = [
  { title: 'command' },
  { title: 'kind' },
  { title: 'what', drop: 3 },
  { title: 'to', drop: 1 },
  { title: 'issued' },
  { title: 'waiting', align: 'right' },
  { title: 'applied', align: 'right' },
  { title: 'expired', align: 'right' },
  { title: 'rejected', align: 'right' },
  { title: 'by', drop: 2 },
];

export interface CommandListOptions extends SourceOptions {
  readonly limit: number;
  readonly before?: number;
  readonly watch?: WatchFlag;
}

/** Shows what was issued, newest first. */
export async function commandList(options: CommandListOptions, terminal: Terminal): Promise<void> {
  const { before, limit } = options;
  const read = () => withFleet(options, (fleet) => fleet.commands({ before, limit }));
  if (options.watch !== undefined) return watch(terminal, options.watch, { read, text: listText });
  const view = await read();
  show(terminal, view, () => listText(view, terminal));
}

function listText(view: CommandsView, terminal: Terminal): string {
  if (view.commands.length === 0) return 'No command was issued.';
  const text = table(
    terminal,
    columns,
    view.commands.map((command) => commandRow(command, terminal)),
  );
  return view.next === null ? text : `${text}\nMore: --before ${view.next}`;
}

function commandRow(command: CommandProgress, terminal: Terminal): Cell[] {
  const { waiting, applied, expired, rejected } = command.devices;
  return [
    { text: command.id, tone: 'cyan' },
    command.kind,
    brief(command.name ?? command.run, 24),
    brief(command.to, 24),
    ago(terminal, command.issuedAt),
    ...[waiting, applied, expired].map(formatCount),
    rejected > 0 ? { text: formatCount(rejected), tone: 'red' } : '0',
    command.by,
  ];
}

export interface CommandShowOptions extends SourceOptions {
  readonly outcome?: Outcome;
  readonly after?: string;
  readonly limit: number;
}

const deviceColumns: readonly Column[] = [
  { title: 'device' },
  { title: 'number', align: 'right', drop: 2 },
  { title: 'outcome' },
  { title: 'when' },
  { title: 'why', drop: 1, cutTo: 16 },
];

const outcomeTones: Partial<Readonly<Record<Outcome, Tone>>> = {
  waiting: 'dim',
  applied: 'green',
  expired: 'yellow',
  rejected: 'red',
};

/** Shows one command, and what became of it on each device. */
export async function commandShow(
  id: string,
  options: CommandShowOptions,
  terminal: Terminal,
): Promise<void> {
  const { outcome, after, limit } = options;
  const [command, devices] = await withFleet(options, (fleet) =>
    Promise.all([fleet.command(id), fleet.commandDevices({ id, outcome, after, limit })]),
  );
  const { devices: each, next } = devices;
  const view = { ...command, schema: 'holdfast.command-shown/1', receipts: each, next };
  show(terminal, view, () => showText(command, devices, terminal));
}

function showText(
  command: CommandView,
  { devices, next }: CommandDevicesView,
  terminal: Terminal,
): string {
  const lines = [
    `${command.id}  ${command.kind} ${command.name ?? ''}`.trimEnd(),
    ...(command.run === null ? [] : [`run      ${command.run}`]),
    ...(command.payload === null ? [] : [`payload  ${brief(command.payload, 200)}`]),
    `to       ${command.to}`,
    `issued   ${ago(terminal, command.issuedAt).text} by ${command.by}`,
    `expires  ${command.expiresAt ?? 'never'}`,
    `so far   ${progressText(command)}`,
  ];
  if (devices.length > 0) {
    const rows = devices.map((device): Cell[] => {
      const tone = outcomeTones[device.outcome];
      return [
        { text: device.device, tone: 'cyan' },
        formatCount(device.number),
        tone === undefined ? device.outcome : { text: device.outcome, tone },
        ago(terminal, device.settledAt),
        device.reason,
      ];
    });
    lines.push('', table(terminal, deviceColumns, rows));
  }
  if (next !== null) lines.push(`More: --after ${next}`);
  return lines.join('\n');
}
