import { createHmac } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { request as requestPlain, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP } from 'node:net';
import { HoldfastError, codeOf, messageOf } from '@holdfast/protocol';
import type { GatewayMeter } from '../../core/gateway-meter.ts';
import type { CloudEvent } from '../../core/out/cloud-event.ts';
import { URL_LENGTH_MAX } from '../../core/out/out-rows.ts';
import type { PostOutcome } from '../../core/out/webhook-health.ts';
import type { Post } from '../../core/out/webhook-worker.ts';
import { readRetryAfter } from '../handler-endpoint.ts';
import type { SecretBox } from '../secret-box.ts';
import { isPublic, lookupPublic, notPublic } from './public-address.ts';

/** An endpoint takes an event and answers; what it does with it is for afterwards. */
const ANSWER_MS_MAX = 15_000;
/** What of an answer that is not 2xx is shown. */
const SAID_BYTES_MAX = 300;

/** Whether webhooks may go to addresses that are not public, and without TLS. */
export interface WebhookReach {
  readonly isPrivateAllowed: boolean;
}

export interface WebhookPosting extends WebhookReach {
  /** Opens what events are signed with. */
  readonly secrets: Pick<SecretBox, 'open'>;
  /** Is told what became of each. */
  readonly meter?: Pick<GatewayMeter, 'told'> | undefined;
}

/**
 * Checks where a webhook is to go, when somebody asks for it; where its name leads is checked again
 * with each connection.
 *
 * @throws HF_WEBHOOK_TARGET
 */
export async function checkTarget(text: string, { isPrivateAllowed }: WebhookReach): Promise<URL> {
  const url = URL.canParse(text) && text.length <= URL_LENGTH_MAX ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw target('it is not an https URL');
  if (url.username !== '' || url.password !== '') throw target('a URL may not have a password');
  if (isPrivateAllowed) return url;
  if (url.protocol !== 'https:') throw target('without TLS, anybody on the way could read it');
  const host = hostOf(url);
  const addresses =
    isIP(host) === 0
      ? await lookup(host, { all: true }).catch((error: unknown) => {
          throw target(`${host} cannot be looked up: ${messageOf(error)}`);
        })
      : [{ address: host }];
  const found = addresses.find(({ address }) => !isPublic(address));
  if (found !== undefined) throw notPublic(`${host} is ${found.address}`);
  return url;
}

/** Posts events as the Standard Webhooks specification has it. */
export function createPost({ isPrivateAllowed, secrets, meter }: WebhookPosting): Post {
  const post: Post = async ({ id, url: text, secret: sealed }, event, signal) => {
    const url = new URL(text);
    try {
      const secret = secrets.open(id, sealed);
      if (!isPrivateAllowed) checkAddress(url);
      return await send(url, signed(event, secret), { signal, isPrivateAllowed });
    } catch (error) {
      const why = messageOf(error);
      const isBarred = codeOf(error) === 'HF_WEBHOOK_TARGET';
      return { kind: 'unavailable', status: 0, why, retryAfterMs: 0, isBarred };
    }
  };
  return async (...about) => {
    const outcome = await post(...about);
    meter?.told(outcome);
    return outcome;
  };
}

/** A host that is an address is not looked up. */
function checkAddress(url: URL): void {
  const host = hostOf(url);
  if (url.protocol !== 'https:') throw target('without TLS, anybody on the way could read it');
  if (isIP(host) !== 0 && !isPublic(host)) throw notPublic(host);
}

interface Signed {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The signature is over id, time and body, so that none of them can be another one. */
export function signed(event: CloudEvent, secret: Uint8Array, nowMs: number = Date.now()): Signed {
  const body = JSON.stringify(event);
  const timestamp = String(Math.floor(nowMs / 1_000));
  const mac = createHmac('sha256', secret).update(`${event.id}.${timestamp}.${body}`);
  return {
    body,
    headers: {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'user-agent': 'holdfast-gateway',
      'webhook-id': event.id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${mac.digest('base64')}`,
    },
  };
}

function send(
  url: URL,
  { body, headers }: Signed,
  { signal, isPrivateAllowed }: { readonly signal: AbortSignal } & WebhookReach,
): Promise<PostOutcome> {
  const request = url.protocol === 'https:' ? requestSecure : requestPlain;
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      ...{ method: 'POST', signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]) },
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      // A connection of its own: one that is kept would go on to where the name led before.
      agent: false,
      ...(!isPrivateAllowed && { lookup: lookupPublic }),
    };
    const asked = request(url, options, (response) => {
      answerOf(response).then(resolve, reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

async function answerOf(response: IncomingMessage): Promise<PostOutcome> {
  const { statusCode: status = 0, headers } = response;
  if (status >= 200 && status < 300) {
    response.destroy();
    return { kind: 'taken' };
  }
  const why = `it answered ${status}${await saidBy(response)}`;
  if (status === 410) return { kind: 'gone', status, why };
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const retryAfterMs = readRetryAfter(headers['retry-after'] ?? null, Date.now());
    return { kind: 'unavailable', status, why, retryAfterMs };
  }
  return { kind: 'refused', status, why };
}

async function saidBy(response: IncomingMessage): Promise<string> {
  let said = '';
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      said += String(chunk);
      if (said.length >= SAID_BYTES_MAX) break;
    }
  } catch {
    // The status is known.
  }
  response.destroy();
  const text = said.trim().slice(0, SAID_BYTES_MAX);
  return text === '' ? '' : `: ${text}`;
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function target(why: string): HoldfastError {
  return new HoldfastError('HF_WEBHOOK_TARGET', { why });
}
