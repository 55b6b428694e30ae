import { errorCatalogue } from '@holdfast/protocol';
import { time } from './rfc3339.ts';
import type { Problem } from './views.ts';

/** Of the certificate that an enrolled device shows. */
export interface CertificateLife {
  /** When the gateway issued it. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** By then it should have been renewed three times over. */
const SOON_MS = 30 * 86_400_000;
/** Renewal is due when two thirds are over, and not much later. */
const SOON_SHARE = 0.15;

/** What is wrong with a certificate: it was not renewed in time. `undefined`: nothing. */
export function certificateProblem(
  { fromMs, toMs }: CertificateLife,
  nowMs: number,
): Problem | undefined {
  const soonMs = Math.min(SOON_MS, SOON_SHARE * Math.max(0, toMs - fromMs));
  if (toMs - nowMs > soonMs) return undefined;
  const day = time(toMs).slice(0, 10);
  const message =
    toMs > nowMs
      ? `The certificate of this device expires on ${day}`
      : `The certificate of this device has expired on ${day}`;
  const code = 'HF_CERTIFICATE_EXPIRES';
  return { code, message, hint: errorCatalogue[code].hint };
}
