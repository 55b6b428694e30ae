import { gauge, single, type Metric } from '@holdfast/protocol';

/** A certificate that this gateway has, and until when it is valid. */
export interface Expiry {
  /** `authority`: its own; `devices`, `api`: what those see who use it. */
  readonly certificate: 'authority' | 'devices' | 'api';
  readonly expiresAtMs: number;
}

/**
 * How long certificates are valid still: those of a gateway, and of its devices the one that
 * expires first.
 */
export function certificateMetrics(
  expiries: readonly Expiry[],
  deviceAtMs: number | undefined,
  nowMs: number,
): readonly Metric[] {
  const left = (atMs: number): number => Math.floor((atMs - nowMs) / 1_000);
  return [
    gauge(
      'gateway_certificate_seconds',
      'For how long a certificate is valid still; negative: it has expired',
      expiries.map(({ certificate, expiresAtMs }) => ({
        labels: { certificate },
        value: left(expiresAtMs),
      })),
    ),
    gauge(
      'gateway_device_certificate_seconds',
      'For how long the certificate of the device is valid whose expires first',
      single(deviceAtMs === undefined ? null : left(deviceAtMs)),
    ),
  ];
}
