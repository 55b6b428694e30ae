import {
  HoldfastError,
  durationMs,
  formatBytes,
  formatCount,
  formatDuration,
  withProgress,
  wrapLine,
} from '@holdfast/protocol';
import {
  IDLE_BYTES_A_MONTH,
  measuredCosts,
  CONNECTS_PER_S,
  type EntryCost,
} from '../size/constants.ts';
import { measureEntry } from '../size/measure.ts';
import { sizingOf, type Sizing, type SizingQuestion } from '../size/sizing.ts';
import { outputOf } from './numbers.ts';
import { progressPlace } from './progress-place.ts';
import type { SizeFlags } from './size.ts';

const COUNT_MAX = 1e9;
const WHY_COLUMN = 43;
const MEASURED_ENTRIES = 3_000;

/** Works out what a fleet needs, and says from what. */
export async function size(flags: SizeFlags): Promise<void> {
  const isJson = outputOf(flags.output) === 'json';
  const question = questionOf(flags);
  const costs = flags.measure ? await measured() : measuredCosts;
  const sizing = sizingOf(question, costs);
  const text = isJson ? JSON.stringify(sizing) : screenOf(question, sizing, flags.measure);
  process.stdout.write(`${text}\n`);
}

async function measured(): Promise<readonly EntryCost[]> {
  const costs: EntryCost[] = [];
  // Each is journaled, and then drained.
  const work = { what: 'measured', total: 2 * MEASURED_ENTRIES * measuredCosts.length };
  await withProgress(progressPlace(), work, async (to) => {
    // One after another: side by side they would share the machine.
    for (const { payloadBytes } of measuredCosts) {
      const before = 2 * MEASURED_ENTRIES * costs.length;
      const onDone = (done: number): void => to(before + done);
      costs.push(await measureEntry(payloadBytes, MEASURED_ENTRIES, onDone));
    }
  });
  return costs;
}

function questionOf(flags: SizeFlags): SizingQuestion {
  const number = (flag: string, text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && value > 0 && value <= COUNT_MAX) return value;
    const why = `${flag} is ${text}; it must be a number above 0, at most ${COUNT_MAX}`;
    throw new HoldfastError('HF_USAGE', { why });
  };
  return {
    devices: Math.ceil(number('--devices', flags.devices)),
    entriesPerDay: number('--entries-per-day', flags.entriesPerDay),
    payloadBytes: number('--entry-bytes', flags.entryBytes),
    offlineMs: durationMs(flags.offline),
    retentionMs: durationMs(flags.retention),
    linkBytesPerS: (number('--link-kbit', flags.linkKbit) * 1_000) / 8,
    ledgerMs: durationMs(flags.ledgerFor),
  };
}

function screenOf(question: SizingQuestion, sizing: Sizing, isOwn: boolean): string {
  const { cost } = sizing;
  const seconds = (s: number): string => formatDuration(s * 1_000);
  const rows: readonly (readonly [what: string, value: string, why: string])[] = [
    [
      'disk of a device',
      formatBytes(sizing.deviceDiskBytes),
      'outage and retention, and half more for compaction',
    ],
    [
      'a device sends in a month',
      formatBytes(sizing.deviceMonthBytes),
      'entries, and what an idle month takes',
    ],
    [
      'a device catches up in',
      seconds(sizing.deviceCatchUpS),
      `after ${formatDuration(question.offlineMs)} without a link`,
    ],
    ['all catch up in', seconds(sizing.fleetCatchUpS), 'when all of them were away together'],
    ['ledger', formatBytes(sizing.ledgerBytes), `for ${formatDuration(question.ledgerMs)}`],
    [
      'gateways',
      formatCount(sizing.gateways),
      `${sizing.entriesPerS.toFixed(1)} entries/s, half of what they can take`,
    ],
  ];
  const where = isOwn ? 'measured on this machine just now' : 'measured on two busy x86-64 cores';
  const each = `journal ${cost.journalBytes.toFixed(0)} B, wire ${cost.wireBytes.toFixed(0)} B`;
  const drained = `${formatCount(Math.round(cost.drainedPerS))} drained/s`;
  const taken = `ledger ${cost.ledgerBytes.toFixed(0)} B, ${drained}`;
  const width = process.stdout.isTTY ? process.stdout.columns : undefined;
  const row = ([what = '', value = '', why = '']: readonly string[]): string =>
    wrapLine(`  ${what.padEnd(27)}${value.padStart(11)}   ${why}`, width, WHY_COLUMN);
  const lines = [
    `From, for an entry of ${cost.payloadBytes} B (${where}): ${each}, ${taken} a gateway.`,
    `An idle month ${formatBytes(IDLE_BYTES_A_MONTH)} (bench idle-bytes).`,
    `${CONNECTS_PER_S} connections a second, when all come back.`,
    'Measured was a gateway with its own broker and ledger; several share PostgreSQL.',
  ];
  return [...rows.map(row), ...lines.map((line) => wrapLine(line, width, 2))].join('\n');
}
