import type { FastifyInstance } from 'fastify';
import type { AccessDesk } from '../../core/access/access-views.ts';
import type { Enroller } from '../../core/access/enroll.ts';
import type { Renewal } from '../../core/access/renewal.ts';
import type { Rotation } from '../../core/access/rotation.ts';
import type { Actor } from '../../core/access/roles.ts';
import { problemAnswer, type ApiRoutes } from './routes.ts';
import * as of from './schemas/access.ts';
import type { TypeOf } from '@holdfast/protocol/json-schema';
import { namedParams as params } from './schemas/parts.ts';

const admin = { role: 'admin' } as const;

/** Tokens that enrol devices: for admins. */
export function addEnrolments(
  routes: ApiRoutes,
  desk: (request: { readonly actor: Actor }) => AccessDesk,
): void {
  routes.read(
    'GET /api/enrolments',
    { ...admin, summary: 'Tokens that enrol devices', answer: of.enrolmentsAnswer },
    (request) => desk(request).enrolments(),
  );
  routes.change(
    'POST /api/enrolments',
    {
      ...{ ...admin, summary: 'Make a token that enrols devices', body: of.enrolmentBody },
      answer: of.enrolmentMadeAnswer,
      action: 'enrolment.create',
      target: ({ body }) => body.device ?? 'any',
    },
    (request) => {
      const { expiresInSeconds, ...order } = request.body;
      return desk(request).createEnrolment({ ...order, lifeMs: expiresInSeconds * 1_000 });
    },
  );
  routes.change(
    'DELETE /api/enrolments/:name',
    {
      ...{ ...admin, summary: 'Have a token, by its id, enrol nobody any more', params },
      ...{ answer: of.enrolmentAnswer, action: 'enrolment.revoke' },
      target: (request) => request.params.name,
    },
    (request) => desk(request).revokeEnrolment(request.params.name),
  );
}

export interface DeviceDesks {
  readonly enroller: Enroller;
  readonly renewal: Renewal;
  readonly rotation: Rotation;
}

/** What devices ask for: a token says who let one that nobody knows, and its key who is known. */
export function addEnroll(app: FastifyInstance, desks: DeviceDesks): void {
  const { enroller, renewal, rotation } = desks;
  app.post<{ Body: TypeOf<typeof of.renewBody> }>(
    '/api/renew',
    {
      schema: {
        ...{ summary: 'Renew the certificate of a device, by its key', body: of.renewBody },
        ...{ security: [], response: { 200: of.renewedAnswer, default: problemAnswer } },
      },
    },
    ({ body, ip: from }) => renewal.renew({ ...body, from }),
  );
  app.post<{ Body: TypeOf<typeof of.rotateBody> }>(
    '/api/rotate',
    {
      schema: {
        ...{ summary: 'Know a device by another key, for which its key vouches' },
        ...{ body: of.rotateBody, security: [] },
        response: { 200: of.renewedAnswer, default: problemAnswer },
      },
    },
    ({ body, ip: from }) => rotation.rotate({ ...body, from }),
  );
  app.post<{ Body: TypeOf<typeof of.enrollBody> }>(
    '/api/enroll',
    {
      schema: {
        ...{ summary: 'Enrol a device, with a token and its key', body: of.enrollBody },
        ...{ security: [], response: { 200: of.enrolledAnswer, default: problemAnswer } },
      },
    },
    ({ body, ip: from }) => enroller.enroll({ ...body, from }),
  );
}
