import { gauge, type Metric } from '@holdfast/protocol';

/** A certificate that this gateway has, and until when it is valid. */
export interface Expiry {
  /** `authority`: its own, `devices`: what those see, `api`: what users of the HTTP API see. */
  readonly certificate: 'authority' | 'devices' | 'api';
  readonly expiresAtMs: number;
}

/** How long the certificates of a gateway are valid still. */
export function certificateMetrics(expiries: readonly Expiry[], nowMs: number): Metric {
  return gauge(
    'gateway_certificate_seconds',
    'For how long a certificate is valid still; negative: it has expired',
    expiries.map(({ certificate, expiresAtMs }) => ({
      labels: { certificate },
      value: Math.floor((expiresAtMs - nowMs) / 1_000),
    })),
  );
}
