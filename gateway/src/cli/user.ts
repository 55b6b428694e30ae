import type { Column } from '@holdfast/protocol';
import type { UsersView } from '../core/access/access-views.ts';
import type { Role } from '../core/access/roles.ts';
import { withDesk, type SourceOptions } from './fleet-source.ts';
import { usage } from './options.ts';
import { readNewPassword } from './secret-input.ts';
import { ago, table } from './tables.ts';
import { show, type Terminal } from './terminal.ts';

export interface UserOptions extends SourceOptions {
  readonly role?: Role;
  readonly password?: true;
}

/** Adds a person who may log in. */
export async function userAdd(
  name: string,
  options: UserOptions,
  terminal: Terminal,
): Promise<void> {
  const { role } = options;
  if (role === undefined) throw usage('--role is missing');
  const password = await readNewPassword();
  const view = await withDesk(options, (desk) => desk.addUser({ name, role, password }));
  show(terminal, view, () => `${view.name} may log in as ${view.role}.`);
}

/** Changes the role or the password of a person. */
export async function userSet(
  name: string,
  options: UserOptions,
  terminal: Terminal,
): Promise<void> {
  const { role } = options;
  if (role === undefined && options.password !== true) throw usage('neither --role nor --password');
  const password = options.password === true ? await readNewPassword() : undefined;
  const view = await withDesk(options, (desk) => desk.changeUser(name, { role, password }));
  const ended = password === undefined ? '' : ' Whoever was logged in as that has to log in again.';
  show(terminal, view, () => `${view.name} is ${view.role}.${ended}`);
}

/** Removes a person, and ends all sessions of that one. */
export async function userRm(
  name: string,
  options: SourceOptions,
  terminal: Terminal,
): Promise<void> {
  const view = await withDesk(options, (desk) => desk.removeUser(name));
  show(terminal, view, () => `${view.name} may not log in any more.`);
}

const columns: readonly Column[] = [
  { title: 'user' },
  { title: 'role' },
  { title: 'created' },
  { title: 'by', drop: 2 },
  { title: 'changed', drop: 1 },
];

export async function userLs(options: SourceOptions, terminal: Terminal): Promise<void> {
  const view = await withDesk(options, (desk) => desk.users());
  show(terminal, view, () => usersText(view, terminal));
}

function usersText({ users }: UsersView, terminal: Terminal): string {
  if (users.length === 0) return 'There are no users. Add one with `holdfast-gateway user add`.';
  const rows = users.map((user) => [
    { text: user.name, tone: 'cyan' } as const,
    user.role,
    ago(terminal, user.createdAt),
    user.createdBy,
    ago(terminal, user.changedAt),
  ]);
  return table(terminal, columns, rows);
}
