import { HoldfastError } from '@holdfast/protocol';
import type { AuditQuery, TokenOrder, UserChange } from './access/access-views.ts';
import { isRole, roles, type Role } from './access/roles.ts';
import { fieldsOf } from './api-body.ts';
import { readPage, type RawQuery } from './api-query.ts';

const SECONDS_MAX = 3_650 * 86_400;
const TEXT_LENGTH_MAX = 1_024;

/** Bodies of requests about users and tokens. All throw HF_REQUEST_INVALID. */
export function readUser(body: unknown): {
  readonly name: string;
  readonly role: Role;
  readonly password: string;
} {
  const { name, role, password } = fieldsOf(body, ['name', 'role', 'password']);
  return {
    name: readText('name', name),
    role: readRole(role),
    password: readText('password', password),
  };
}

export function readUserChange(body: unknown): UserChange {
  const { role, password } = fieldsOf(body, ['role', 'password']);
  if (role === undefined && password === undefined) throw refuse('neither role nor password');
  return {
    role: role === undefined ? undefined : readRole(role),
    password: password === undefined ? undefined : readText('password', password),
  };
}

export function readTokenOrder(body: unknown): TokenOrder {
  const fields = fieldsOf(body, ['name', 'role', 'expiresInSeconds']);
  const { name, role, expiresInSeconds: life } = fields;
  const isLife = typeof life === 'number' && Number.isInteger(life) && life > 0;
  if (life !== null && !(isLife && life <= SECONDS_MAX)) {
    throw refuse(`expiresInSeconds is no integer from 1 to ${SECONDS_MAX}, nor null for never`);
  }
  return {
    ...{ name: readText('name', name), role: readRole(role) },
    lifeMs: life === null ? null : life * 1_000,
  };
}

export function readLogin(body: unknown): { readonly user: string; readonly password: string } {
  const { user, password } = fieldsOf(body, ['user', 'password']);
  return { user: readText('user', user, 64), password: readText('password', password) };
}

export function readAuditQuery(query: RawQuery): AuditQuery {
  return readPage(query, 'before');
}

function readRole(value: unknown): Role {
  if (isRole(value)) return value;
  throw refuse(`role is not one of ${roles.join(', ')}`);
}

function readText(name: string, value: unknown, lengthMax = TEXT_LENGTH_MAX): string {
  if (typeof value === 'string' && value !== '' && value.length <= lengthMax) return value;
  throw refuse(`${name} is no text of 1 to ${lengthMax} characters`);
}

function refuse(why: string): HoldfastError {
  return new HoldfastError('HF_REQUEST_INVALID', { why });
}
