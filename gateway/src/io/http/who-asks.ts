import { HoldfastError } from '@holdfast/protocol';
import type { FastifyRequest } from 'fastify';
import type { Access } from '../../core/access/access.ts';
import type { Actor } from '../../core/access/roles.ts';

/** With TLS, a prefix that keeps other hosts of the domain from setting it. */
const COOKIE = 'holdfast_session';

/** Who asks, by what the request shows. @throws HF_ACCESS_UNKNOWN, HF_ACCESS_DENIED */
export async function whoAsks(request: FastifyRequest, access: Access): Promise<Actor> {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const [, token] = /^Bearer +(\S{1,256}) *$/i.exec(authorization) ?? [];
    if (token !== undefined) return access.bearer(token, isOwnMachine(request));
    throw new HoldfastError('HF_ACCESS_UNKNOWN', { why: 'authorization is not Bearer TOKEN' });
  }
  const secret = sessionSecret(request);
  if (secret === undefined) {
    throw new HoldfastError('HF_ACCESS_UNKNOWN', { why: 'neither a token nor a session is shown' });
  }
  checkOwnPage(request, { isCookie: true });
  return access.session(secret);
}

/** Whether the other end of the connection is on this machine. */
function isOwnMachine({ raw }: FastifyRequest): boolean {
  const { remoteAddress = '', localAddress } = raw.socket;
  return (
    remoteAddress === '::1' ||
    /^(?:::ffff:)?127\./.test(remoteAddress) ||
    (remoteAddress !== '' && remoteAddress === localAddress)
  );
}

/**
 * A browser sends the cookie with what any page asks for. What changes something must come from a
 * page of ours: browsers say where it came from, in `Sec-Fetch-Site` or `Origin`.
 *
 * @throws HF_ACCESS_DENIED
 */
export function checkOwnPage(
  { method, headers }: FastifyRequest,
  { isCookie }: { readonly isCookie: boolean },
): void {
  if (method === 'GET' || method === 'HEAD') return;
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (site === undefined && origin === undefined && !isCookie) return;
  const isOwn = site === undefined ? hostOf(origin) === host : site === 'same-origin';
  if (isOwn && (isCookie || host !== undefined)) return;
  const why = 'this is asked by a page of another site';
  throw new HoldfastError('HF_ACCESS_DENIED', { why, details: { reason: 'origin' } });
}

function hostOf(origin: string | undefined): string | undefined {
  return origin !== undefined && URL.canParse(origin) ? new URL(origin).host : '';
}

export function sessionSecret({ headers, protocol }: FastifyRequest): string | undefined {
  const name = cookieName(protocol);
  for (const part of (headers.cookie ?? '').split(';')) {
    const [key, value] = part.trim().split('=');
    if (key === name) return value;
  }
  return undefined;
}

/** The header that has a browser keep a session, or forget it. */
export function sessionCookie(
  { protocol }: FastifyRequest,
  secret: string,
  maxAgeMs: number,
): string {
  const secure = protocol === 'https' ? '; Secure' : '';
  const age = Math.floor(maxAgeMs / 1_000);
  const rules = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${age}`;
  return `${cookieName(protocol)}=${secret}; ${rules}${secure}`;
}

function cookieName(protocol: string): string {
  return protocol === 'https' ? `__Host-${COOKIE}` : COOKIE;
}
