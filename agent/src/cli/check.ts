import {
  checkForms,
  checkLevels,
  checkSummary,
  checkText,
  HoldfastError,
  type CheckForm,
  type CheckResult,
} from '@holdfast/protocol/base';
import { Argument, Option, type Command } from 'commander';
import { checkDevice, checkSubjects, type CheckSubject } from './device-check.ts';
import type { StatusView } from '../core/views.ts';
import { addLimits, limitsOf, type LimitFlags } from './check-limits.ts';
import type { Shell } from './shell.ts';
import { addTarget, readAgent, type TargetFlags } from './target.ts';

type Flags = TargetFlags & LimitFlags & { readonly format: CheckForm };

const about = `
For monitoring systems: one line with what they draw, and exit code 0 (ok), 1 (warning), 2
(critical) or 3 (unknown), never another one. What has a limit warns at half of it (twice of it,
where less is worse), or where its --warn option says.

A limit of what is not among the subjects counts for nothing.

Without limits, a run that is stuck, trouble of the store and a certificate that runs out are
warnings; a link that is stuck, a journal that refuses new work and an agent that does not run are
critical. A device that is offline is ok, unless for longer than --max-offline.

Examples:
  holdfast check --max-age 6h --max-entries 10000 --max-offline 3d
  holdfast check backlog --max-age 6h --warn-age 1h
  holdfast check store cert --min-free 500M --min-cert 7d --format text
  holdfast check --format prometheus > /var/lib/node_exporter/holdfast_check.prom
`;

export function addCheck(program: Command, shell: Shell): void {
  const command = addTarget(program.command('check'))
    .description('Say in one line whether somebody must be called.')
    .addArgument(new Argument('[subjects...]', 'only these').choices(checkSubjects));
  addLimits(command)
    .addOption(new Option('--format <format>', 'for whom').choices(checkForms).default('nagios'))
    .addHelpText('after', about)
    .action(async (named: readonly CheckSubject[], flags: Flags) => {
      const limits = limitsOf(flags);
      const subjects = checkSubjects.filter((each) => named.length === 0 || named.includes(each));
      const { results, status } = await look(shell, flags, (view) =>
        checkDevice({ status: view, limits, nowMs: shell.nowMs() }, subjects),
      );
      const device = status === undefined ? {} : { device: status.device };
      const json = { schema: 'holdfast.check/1', ...device };
      shell.print(checkText(results, { form: flags.format, json }));
      process.exitCode = checkLevels.indexOf(checkSummary(results).level);
    });
}

/** What cannot be asked is unknown: for a monitoring system no other exit code has a meaning. */
async function look(
  shell: Shell,
  flags: Flags,
  check: (status: StatusView) => readonly CheckResult[],
): Promise<{ readonly results: readonly CheckResult[]; readonly status?: StatusView }> {
  try {
    const status = await readAgent(shell, flags, (agent) => agent.status());
    return { results: check(status), status };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const text = error.message;
    return { results: [{ subject: 'agent', level: 'UNKNOWN', text, values: [] }] };
  }
}
