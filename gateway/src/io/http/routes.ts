import { HoldfastError, codeOf } from '@holdfast/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from '../../core/access/access.ts';
import { AttemptLimit } from '../../core/access/attempt-limit.ts';
import { allows, type Actor, type Role } from '../../core/access/roles.ts';
import { object, string, type JsonSchema, type TypeOf } from '@holdfast/protocol/json-schema';
import { problem } from './schemas/parts.ts';
import { whoAsks } from './who-asks.ts';

type AnySchema = JsonSchema<unknown>;
const nothing = object({}, {}, { additionalProperties: false });
type Nothing = typeof nothing;

/** A request of somebody who may make it, as the schemas of its route have it. */
export interface ApiRequest<
  P extends AnySchema = Nothing,
  Q extends AnySchema = Nothing,
  B extends AnySchema = Nothing,
> {
  readonly actor: Actor;
  /** Network address it came from. */
  readonly from: string;
  readonly params: TypeOf<P>;
  readonly query: TypeOf<Q>;
  readonly body: TypeOf<B>;
  readonly raw: FastifyRequest;
  readonly reply: FastifyReply;
}

/** What a route takes and gives: it is checked by it, and described in the OpenAPI document. */
export interface Route<P extends AnySchema, Q extends AnySchema, B extends AnySchema> {
  readonly role: Role;
  /** A sentence without an end. */
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** Schema of the JSON that is answered; a text says the content type of what is no JSON. */
  readonly answer: AnySchema | string;
}

export interface Change<
  P extends AnySchema,
  Q extends AnySchema,
  B extends AnySchema,
> extends Route<P, Q, B> {
  /** How it is named in the audit log, such as `ledger.erase`. */
  readonly action: string;
  /** What it is done to; never a secret. */
  readonly target: (request: ApiRequest<P, Q, B>) => string;
  /** Which role this very request takes, where that may be a higher one. */
  readonly needs?: (request: ApiRequest<P, Q, B>) => Role;
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

  /** Reads. @param at Method and path; by POST where what is asked for is no part of an address. */
  read<P extends AnySchema = Nothing, Q extends AnySchema = Nothing, B extends AnySchema = Nothing>(
    at: `GET ${string}` | `POST ${string}`,
    route: Route<P, Q, B>,
    handler: (request: ApiRequest<P, Q, B>) => unknown,
  ): void {
    const { role } = route;
    this.#app.route({
      ...{ ...placeOf(at), config: { role }, schema: schemaOf(route) },
      handler: (raw, reply) => handler(requestOf<P, Q, B>(raw, reply)),
    });
  }

  /** Changes something. @param at Method and path, such as `POST /api/tokens`. */
  change<
    P extends AnySchema = Nothing,
    Q extends AnySchema = Nothing,
    B extends AnySchema = Nothing,
  >(
    at: string,
    change: Change<P, Q, B>,
    handler: (request: ApiRequest<P, Q, B>) => Promise<unknown>,
  ): void {
    const { role, action, target, bodyBytesMax, needs = () => role } = change;
    this.#app.route({
      ...{ ...placeOf(at), config: { role, action }, schema: schemaOf(change) },
      ...(bodyBytesMax === undefined ? {} : { bodyLimit: bodyBytesMax }),
      handler: async (raw, reply) => {
        const request = requestOf<P, Q, B>(raw, reply);
        const { actor, from } = request;
        await this.#checkRole(raw, actor, needs(request));
        const subject = { who: actor.name, from, action, target: target(request) };
        return this.#access.audit.record(subject, () => handler(request));
      },
    });
  }

  async #admit(request: FastifyRequest): Promise<void> {
    const { role } = request.routeOptions.config;
    if (role === undefined) return;
    const actor = await whoAsks(request, this.#access);
    await this.#checkRole(request, actor, role);
    request.actor = actor;
  }

  async #checkRole(request: FastifyRequest, actor: Actor, role: Role): Promise<void> {
    if (allows(actor.role, role)) return;
    await this.#noteDenied(request, actor, request.routeOptions.config.action);
    const why = `${actor.name} is ${actor.role}; this takes the role ${role}`;
    throw new HoldfastError('HF_ACCESS_DENIED', { why });
  }

  /** Whether who has asked may go on: `false` once the token, session or role has ended. */
  async stillAdmits(request: FastifyRequest): Promise<boolean> {
    const { role } = request.routeOptions.config;
    try {
      const actor = await whoAsks(request, this.#access);
      return role === undefined || allows(actor.role, role);
    } catch (error) {
      return codeOf(error) !== 'HF_ACCESS_UNKNOWN';
    }
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

function placeOf(at: string): { readonly method: string; readonly url: string } {
  const [method = '', url = ''] = at.split(' ');
  return { method, url };
}

/** For Fastify, which checks by it, and for the document, which is made of it. */
function schemaOf(route: Route<AnySchema, AnySchema, AnySchema>): object {
  const { role, summary, params, query = nothing, body, answer } = route;
  const ok =
    typeof answer === 'string'
      ? { description: 'OK', content: { [answer]: { schema: string() } } }
      : answer;
  return {
    ...{ summary, description: `Takes the role ${role}.`, querystring: query },
    ...(params === undefined ? {} : { params }),
    ...(body === undefined ? {} : { body }),
    response: { 200: ok, default: problemAnswer },
  };
}

export const problemAnswer = {
  description: 'What went wrong, by RFC 9457',
  content: { 'application/problem+json': { schema: problem } },
};

function requestOf<P extends AnySchema, Q extends AnySchema, B extends AnySchema>(
  raw: FastifyRequest,
  reply: FastifyReply,
): ApiRequest<P, Q, B> {
  const { actor, ip: from } = raw;
  if (actor === undefined) throw new HoldfastError('HF_INTERNAL', { why: 'nobody was admitted' });
  // They were checked by the schemas whose types these are.
  const params = raw.params as TypeOf<P>;
  const query = raw.query as TypeOf<Q>;
  const body = raw.body as TypeOf<B>;
  return { actor, from, params, query, body, raw, reply };
}
