import { TerminalError, type StepInfo } from '@holdfast/agent';

const metersUrl = process.env['METERS_URL'] ?? 'http://127.0.0.1:4003';

/** What a meter shows. */
export interface MeterReading {
  readonly kWh: number;
}

/**
 * Asks one meter over HTTP.
 *
 * A meter that does not answer may do so later. One that is not there, or was taken out of service,
 * will not: a TerminalError spares it, and us, the further attempts.
 */
export async function readMeter(meter: string, info: StepInfo): Promise<MeterReading> {
  const response = await fetch(new URL(`/meters/${encodeURIComponent(meter)}`, metersUrl), {
    signal: info.signal,
  });
  if (response.ok) return (await response.json()) as MeterReading;
  await response.body?.cancel();
  const why = `${meter} answered ${response.status}`;
  throw response.status < 500 ? new TerminalError(why) : new MeterSilent(why);
}

/** The meter could not be read now. */
export class MeterSilent extends Error {
  override readonly name = 'MeterSilent';
}
