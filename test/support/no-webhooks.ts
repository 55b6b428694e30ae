import type { WebhookDesk } from '@holdfast/gateway/internal';

let made = 0;

/** For fleets whose webhooks are of no interest: nobody is reached. */
export const noWebhooks: WebhookDesk = {
  check: async () => undefined,
  post: async () => ({ kind: 'unavailable', status: 0, why: 'no network', retryAfterMs: 0 }),
  newSecret: () => new Uint8Array(32),
  seal: (_id, secret) => secret,
  newId: () => String((made += 1)),
  base64: {
    encode: (bytes) => Buffer.from(bytes).toString('base64'),
    decode: (text) => Buffer.from(text, 'base64'),
  },
  gateway: 'gw-test',
  never: new AbortController().signal,
};
