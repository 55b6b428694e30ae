import { randomBytes, randomUUID } from 'node:crypto';
import { hex, type Log } from '@holdfast/protocol';
import type { WebhookDesk } from './core/out/fleet-webhooks.ts';
import { Webhooks } from './core/out/webhooks.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { Ledger } from './core/ledger.ts';
import type { Listeners } from './core/listeners.ts';
import type { Arrival } from './core/session-ports.ts';
import { checkTarget, createPost, type WebhookPosting } from './io/out/webhook-post.ts';
import type { Identity } from './io/identity.ts';
import type { SecretBox } from './io/secret-box.ts';
import { namesOf } from './open-stores.ts';
import { systemClock } from './io/system-clock.ts';

const SECRET_BYTES = 32;

interface WebhookPlace {
  /** Name of the gateway. */
  readonly gateway: string;
  readonly isPrivateAllowed?: boolean;
  readonly secrets: SecretBox;
  readonly meter?: WebhookPosting['meter'];
}

/** What it takes to decide about webhooks. */
export function createWebhookDesk(
  { gateway, isPrivateAllowed = false, secrets, meter }: WebhookPlace,
  changed?: () => void,
): WebhookDesk {
  return {
    ...{ gateway, changed },
    check: (url) => checkTarget(url, { isPrivateAllowed }),
    post: createPost({ isPrivateAllowed, secrets, meter }),
    newSecret: () => randomBytes(SECRET_BYTES),
    seal: (id, secret) => secrets.seal(id, secret),
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
  parts: WebhookPosting & {
    readonly ledger: Ledger;
    readonly log: Log;
    readonly gateway: string;
    readonly isShared: boolean;
  },
  arrivals: Listeners<Arrival>,
): Webhooks {
  const { ledger, log, gateway, isShared, ...posting } = parts;
  const webhooks = new Webhooks({
    ...{ ledger, log, gateway, isShared, clock: systemClock },
    post: createPost(posting),
    ...{ chance: Math.random, owner: randomUUID() },
    newAbort: () => new AbortController(),
  });
  arrivals.add(({ device }) => webhooks.arrived(device));
  void webhooks.changed();
  return webhooks;
}

/** Who tells, and where webhooks may go. */
export function reachOf({ webhookAllowPrivate = false }: GatewayOptions, signer: Identity) {
  const { secrets } = signer;
  return { gateway: namesOf(signer).gateway, isPrivateAllowed: webhookAllowPrivate, secrets };
}
