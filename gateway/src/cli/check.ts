import {
  checkForms,
  checkLevels,
  checkSummary,
  checkText,
  durationMs,
  HoldfastError,
  type CheckForm,
  type CheckResult,
} from '@holdfast/protocol';
import { Argument, Option, type Command } from 'commander';
import type { DeviceView } from '../core/device-views.ts';
import { checkFleet, fleetSubjects, type FleetSubject } from '../core/fleet-check.ts';
import { addLimits, limitsOf, type LimitFlags } from './check-limits.ts';
import { eachDevice } from './devices.ts';
import { withCa, withFleet, type SourceOptions } from './fleet-source.ts';
import { debugOption, sourceOf, withLedger } from './options.ts';

type Options = SourceOptions &
  LimitFlags & { readonly format: CheckForm; readonly lateAfter?: string };

const about = `
For monitoring systems: one line with what they draw, and exit code 0 (ok), 1 (warning), 2
(critical) or 3 (unknown), never another one. What has a limit warns at half of it (twice of it,
where less is worse), or where its --warn option says.

Subjects: fleet is devices that are stuck, in conflict, or late; backlog what has not arrived, as
devices reported it last; ledger how far that is behind devices that have a link; cert the authority
of the gateway.

A limit of what is not among the subjects counts for nothing.

Without limits, a device that is stuck or in conflict, and an authority with less than 30 days, are
warnings; a gateway that does not run is critical. Devices that are offline are ok.

Examples:
  holdfast-gateway check --data-dir ./gateway
  holdfast-gateway check fleet --late-after 1d --max-stuck 3 --data-dir ./gateway
  holdfast-gateway check backlog ledger --max-entries 100000 --max-lag 5m --context prod`;

export function addCheck(program: Command): void {
  const command = withLedger(sourceOf(program, 'check'))
    .description('Say in one line whether somebody must be called')
    .addArgument(new Argument('[subjects...]', 'only these').choices(fleetSubjects));
  addLimits(command)
    .option('--late-after <duration>', 'a device that was not heard for longer is late')
    .addOption(new Option('--format <format>', 'for whom').choices(checkForms).default('nagios'))
    .addOption(debugOption())
    .addHelpText('after', about)
    .action(async (named: readonly FleetSubject[], options: Options) => {
      const subjects = fleetSubjects.filter((each) => named.length === 0 || named.includes(each));
      const results = await look(options, subjects);
      const json = { schema: 'holdfast.check/1' };
      process.stdout.write(`${checkText(results, { form: options.format, json })}\n`);
      process.exitCode = checkLevels.indexOf(checkSummary(results).level);
    });
}

/** What cannot be asked is unknown: for a monitoring system no other exit code has a meaning. */
async function look(
  options: Options,
  subjects: readonly FleetSubject[],
): Promise<readonly CheckResult[]> {
  const limits = limitsOf(options);
  const { lateAfter } = options;
  const lateAfterMs = lateAfter === undefined ? undefined : durationMs(lateAfter);
  try {
    const devices = await withFleet(options, async (fleet) => {
      const all: DeviceView[] = [];
      for await (const device of eachDevice(fleet)) all.push(device);
      return all;
    });
    const isNamed = subjects.length < fleetSubjects.length;
    const certUntil = subjects.includes('cert') ? await authorityEnd(options, isNamed) : undefined;
    return checkFleet({ devices, certUntil, nowMs: Date.now(), lateAfterMs, limits }, subjects);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return [{ subject: 'gateway', level: 'UNKNOWN', text: error.message, values: [] }];
  }
}

/** A ledger has none, and not everybody may see it: no news, unless it was asked for. */
async function authorityEnd(options: Options, isNamed: boolean): Promise<string | undefined> {
  try {
    return (await withCa(options, (ca) => ca.show())).expiresAt ?? undefined;
  } catch (error) {
    if (isNamed || !(error instanceof HoldfastError)) throw error;
    return undefined;
  }
}
