import { durationMs, type Column } from '@holdfast/protocol';
import type { TokensView, TokenView } from '../core/access/access-views.ts';
import type { Role } from '../core/access/roles.ts';
import { withDesk, type SourceOptions } from './fleet-source.ts';
import { ago, table } from './tables.ts';
import { note, show, type Terminal } from './terminal.ts';

export interface TokenOptions extends SourceOptions {
  readonly role: Role;
  /** A duration, or `never`. */
  readonly expires: string;
}

/** Makes an API token, and prints it: it is shown this once. */
export async function tokenCreate(
  name: string,
  options: TokenOptions,
  terminal: Terminal,
): Promise<void> {
  const { role, expires } = options;
  const lifeMs = expires === 'never' ? null : durationMs(expires);
  const view = await withDesk(options, (desk) => desk.createToken({ name, role, lifeMs }));
  // Alone on stdout, so that it can go to a file.
  show(terminal, view, () => view.token);
  const until = view.expiresAt === null ? 'until it is revoked' : `until ${view.expiresAt}`;
  note(terminal, `Keep it in a file (chmod 600): it is not shown again. Valid ${until}.`);
}

/** Has a token let nobody in any more. */
export async function tokenRevoke(
  id: string,
  options: SourceOptions,
  terminal: Terminal,
): Promise<void> {
  const view = await withDesk(options, (desk) => desk.revokeToken(id));
  show(terminal, view, () => `The token ${view.name} (${view.id}) lets nobody in any more.`);
}

const columns: readonly Column[] = [
  { title: 'id' },
  { title: 'name' },
  { title: 'role' },
  { title: 'state' },
  { title: 'expires' },
  { title: 'created', drop: 1 },
  { title: 'by', drop: 2 },
];

export async function tokenLs(options: SourceOptions, terminal: Terminal): Promise<void> {
  const view = await withDesk(options, (desk) => desk.tokens());
  show(terminal, view, () => tokensText(view, terminal));
}

function tokensText({ tokens }: TokensView, terminal: Terminal): string {
  if (tokens.length === 0) {
    return 'There are no tokens. Make one with `holdfast-gateway token create`.';
  }
  return table(
    terminal,
    columns,
    tokens.map((token) => tokenRow(token, terminal)),
  );
}

function tokenRow(token: TokenView, terminal: Terminal) {
  return [
    { text: token.id, tone: 'cyan' } as const,
    token.name,
    token.role,
    token.state,
    token.expiresAt === null ? 'never' : ago(terminal, token.expiresAt),
    ago(terminal, token.createdAt),
    token.createdBy,
  ];
}
