import { HoldfastError, messageOf } from '@holdfast/protocol';
import { failed, found, type Finding } from './core/finding.ts';
import { agent, clock, power, versions } from './doctor-agent.ts';
import type { Findings, Patient } from './doctor-patient.ts';
import { store } from './doctor-store.ts';
import { uplink, uplinkOf } from './doctor-uplink.ts';
import { checkCertificates } from './io/checks/certificate-check.ts';
import { CHECK_MS_MAX, inTime, tookTooLong } from './io/checks/check-time.ts';
import { checkDisk } from './io/checks/disk-check.ts';
import { checkService } from './io/checks/service-check.ts';

export type { KnownUplink, Patient } from './doctor-patient.ts';
export { CHECK_MS_MAX, inTime, tookTooLong } from './io/checks/check-time.ts';

/**
 * The checks of a device, in the order in which a person reads them, made at once. None takes
 * longer than 5 s. Never rejects.
 *
 * @param isWanted Whether a check is to be made, by its name. Default: each.
 */
export async function examine(
  given: Patient,
  isWanted: (check: string) => boolean = () => true,
): Promise<readonly Finding[]> {
  const patient = { ...given, uplink: uplinkOf(given) };
  const wanted = Object.entries(checks).filter(([name]) => isWanted(name));
  const findings = await Promise.all(
    wanted.map(async ([name, check]) => {
      try {
        const work = Promise.resolve(check(patient));
        return await inTime(work, CHECK_MS_MAX, () => [tookTooLong(name)]);
      } catch (error) {
        return [failed(name, asError(error))];
      }
    }),
  );
  return findings.flat();
}

/** By the names that their findings have. */
const checks: Readonly<Record<string, (patient: Patient) => Findings>> = {
  ...{ agent, service, store, disk, power, clock, uplink, certificate, versions, runs },
};

function asError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  return new HoldfastError('HF_INTERNAL', { why: messageOf(error) });
}

function service({ status, isInstalled = false }: Patient): Findings {
  return checkService({ pid: status?.agent.pid ?? null, isInstalled });
}

function disk({ dataDir }: Patient): Findings {
  if (dataDir === undefined) return [found('disk', 'skipped', 'no data directory is named')];
  return checkDisk(dataDir);
}

function certificate({ uplink: target, nowMs }: Patient): Findings {
  if (target?.tls === undefined) return [];
  return checkCertificates(target.tls, nowMs);
}

function runs({ status, stuck }: Patient): Findings {
  if (status === undefined) return [];
  const count = status.runs.stuck ?? 0;
  if (count === 0) return [found('runs', 'ok', 'none waits for a person')];
  return stuck.map(({ id, workflow, error }) => {
    const why = error === undefined ? '' : `: ${error.message}`;
    const hint = `holdfast workflow show ${id}`;
    const finding = found('runs', 'failure', `${id} of ${workflow} is stuck${why}`, hint);
    return error?.code === undefined ? finding : { ...finding, code: error.code };
  });
}
