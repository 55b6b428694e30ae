import { randomBytes, randomUUID } from 'node:crypto';
import { hex, type Log } from '@holdfast/protocol';
import type { WebhookDesk } from './core/out/fleet-webhooks.ts';
import { Webhooks } from './core/out/webhooks.ts';
import type { Ledger } from './core/ledger.ts';
import type { Listeners } from './core/listeners.ts';
import type { Arrival } from './core/session-ports.ts';
import { checkTarget, createPost, type WebhookReach } from './io/out/webhook-post.ts';
import { systemClock } from './io/system-clock.ts';

const SECRET_BYTES = 32;

/** What it takes to decide about webhooks. */
export function createWebhookDesk(
  { gateway, isPrivateAllowed = false }: Partial<WebhookReach> & { readonly gateway: string },
  changed?: () => void,
): WebhookDesk {
  return {
    ...{ gateway, changed },
    check: (url) => checkTarget(url, { isPrivateAllowed }),
    post: createPost({ isPrivateAllowed }),
    newSecret: () => randomBytes(SECRET_BYTES),
    newId: () => hex(randomBytes(5)),
    base64: {
      encode: (bytes) => Buffer.from(bytes).toString('base64'),
      decode: (text) => Buffer.from(text, 'base64'),
    },
    never: new AbortController().signal,
  };
}

/** Tells subscribers of entries, what arrives from now on and what they were not told of yet. */
export function startWebhooks(
  parts: WebhookReach & {
    readonly ledger: Ledger;
    readonly log: Log;
    readonly gateway: string;
    readonly isShared: boolean;
  },
  arrivals: Listeners<Arrival>,
): Webhooks {
  const { ledger, log, gateway, isShared, isPrivateAllowed } = parts;
  const webhooks = new Webhooks({
    ...{ ledger, log, gateway, isShared, clock: systemClock },
    ...{ post: createPost({ isPrivateAllowed }), chance: Math.random, owner: randomUUID() },
    newAbort: () => new AbortController(),
  });
  arrivals.add(({ device }) => webhooks.arrived(device));
  void webhooks.changed();
  return webhooks;
}
