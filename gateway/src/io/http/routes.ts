import { HoldfastError } from '@holdfast/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from '../../core/access/access.ts';
import { AttemptLimit } from '../../core/access/attempt-limit.ts';
import { allows, type Actor, type Role } from '../../core/access/roles.ts';
import type { RawQuery } from '../../core/api-query.ts';
import { whoAsks } from './who-asks.ts';

/** A request of somebody who may make it. */
export interface ApiRequest {
  readonly actor: Actor;
  /** Network address it came from. */
  readonly from: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: RawQuery;
  /** JSON, or `undefined`. */
  readonly body: unknown;
  readonly raw: FastifyRequest;
  readonly reply: FastifyReply;
}

type Handler = (request: ApiRequest) => unknown;

/** How a change is named in the audit log. */
export interface Change {
  readonly role: Role;
  /** Such as `ledger.erase`. */
  readonly action: string;
  /** What it is done to; never a secret. Called with whatever was sent. */
  readonly target: (request: ApiRequest) => string;
  /** Default: as the server. */
  readonly bodyBytesMax?: number;
}

interface RouteConfig {
  readonly role?: Role;
  readonly action?: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; `undefined` where anybody may. */
    actor: Actor | undefined;
  }
  // What a route says of itself.
  interface FastifyContextConfig extends RouteConfig {}
}

/** What somebody may not do is in the audit log, though not without end. */
const deniedNoted = { failuresMax: 60, windowMs: 60_000 };

/**
 * The routes of the API. Each says which role it takes, and one that changes something what that is
 * called: it is in the audit log before it is done.
 */
export class ApiRoutes {
  readonly #app: FastifyInstance;
  readonly #access: Access;
  readonly #clock: { nowMs(): number };
  readonly #denied = new AttemptLimit(deniedNoted);

  constructor(app: FastifyInstance, access: Access, clock: { nowMs(): number }) {
    this.#app = app;
    this.#access = access;
    this.#clock = clock;
    app.decorateRequest('actor', undefined);
    // Before a byte of the body is read.
    app.addHook('onRequest', (request) => this.#admit(request));
  }

  /** Reads, by GET. */
  read(path: string, role: Role, handler: Handler): void {
    this.#app.get(path, { config: { role } }, (request, reply) =>
      handler(requestOf(request, reply)),
    );
  }

  /** Reads, by a POST whose body says what: it is no part of an address. */
  ask(path: string, role: Role, handler: Handler): void {
    this.#app.post(path, { config: { role } }, (request, reply) =>
      handler(requestOf(request, reply)),
    );
  }

  /** Changes something. @param at Method and path, such as `POST /api/tokens`. */
  change(at: string, change: Change, handler: Handler): void {
    const { role, action, target, bodyBytesMax } = change;
    const [method = '', url = ''] = at.split(' ');
    this.#app.route({
      ...{ method, url, config: { role, action } },
      ...(bodyBytesMax === undefined ? {} : { bodyLimit: bodyBytesMax }),
      handler: (raw, reply) => {
        const request = requestOf(raw, reply);
        const { actor, from } = request;
        const subject = { who: actor.name, from, action, target: target(request) };
        return this.#access.audit.record(subject, () => Promise.resolve(handler(request)));
      },
    });
  }

  async #admit(request: FastifyRequest): Promise<void> {
    const { role, action } = request.routeOptions.config;
    if (role === undefined) return;
    const actor = await whoAsks(request, this.#access);
    if (!allows(actor.role, role)) {
      await this.#noteDenied(request, actor, action);
      const why = `${actor.name} is ${actor.role}; this takes the role ${role}`;
      throw new HoldfastError('HF_ACCESS_DENIED', { why });
    }
    request.actor = actor;
  }

  async #noteDenied(request: FastifyRequest, actor: Actor, action = ''): Promise<void> {
    if (action === '') return;
    const nowMs = this.#clock.nowMs();
    try {
      this.#denied.check(actor.name, nowMs);
    } catch {
      return; // It is refused all the same.
    }
    this.#denied.failed(actor.name, nowMs);
    const target = request.url.slice(0, 200);
    await this.#access.audit.denied({ who: actor.name, from: request.ip, action, target });
  }
}

function requestOf(raw: FastifyRequest, reply: FastifyReply): ApiRequest {
  const { actor, ip: from, params, query, body } = raw;
  if (actor === undefined) throw new HoldfastError('HF_INTERNAL', { why: 'nobody was admitted' });
  return {
    ...{ actor, from, body, raw, reply },
    // Fastify gives objects of texts, the query also arrays of them.
    params: params as ApiRequest['params'],
    query: query as RawQuery,
  };
}
