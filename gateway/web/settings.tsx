import { useState } from 'preact/hooks';
import type {
  AuditPageView,
  AuditView,
  TokenMadeView,
  TokenView,
  UserView,
} from '../src/core/access/access-views.ts';
import { api, useLive } from './api.ts';
import { ago, moment } from '../../protocol/web/format.ts';
import { ProblemNote, Table, type Column } from '../../protocol/web/parts.tsx';
import { useAction } from './use-action.ts';
import { Webhooks } from './webhooks.tsx';

export function Settings() {
  return (
    <>
      <h1>Settings</h1>
      <Users />
      <Tokens />
      <Webhooks />
      <Audit />
    </>
  );
}

const userColumns: readonly Column<UserView>[] = [
  { title: 'User', cell: ({ name }) => name, by: ({ name }) => name },
  { title: 'Role', cell: ({ role }) => role, by: ({ role }) => role },
  { title: 'Since', cell: ({ createdAt }) => ago(createdAt) },
  { title: 'Made by', cell: ({ createdBy }) => createdBy, isWide: true },
];

function Users() {
  const { data, problem, refresh } = useLive('GET /api/users', [], 15_000);
  const [run, failure, isBusy] = useAction();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    run(async () => {
      await api.ask('POST /api/users', { body: userOf(new FormData(form)) });
      form.reset();
      refresh();
    });
  };
  return (
    <section>
      <h2>Users</h2>
      <ProblemNote problem={failure ?? problem} />
      <Table
        label="Users"
        columns={userColumns}
        rows={data?.users ?? []}
        keyOf={({ name }) => name}
        empty="No user yet: this gateway is used by tokens."
      />
      <form onSubmit={submit}>
        <label>
          Name <input name="name" required autocomplete="off" />
        </label>
        <label>
          Password <input name="password" type="password" required autocomplete="new-password" />
        </label>
        <RoleChoice />
        <button disabled={isBusy}>Add a user</button>
      </form>
    </section>
  );
}

const roles = ['viewer', 'operator', 'admin'] as const;

function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}

function roleOf(form: FormData): (typeof roles)[number] {
  return roles.find((each) => each === form.get('role')) ?? 'viewer';
}

function userOf(form: FormData) {
  return { name: textOf(form, 'name'), role: roleOf(form), password: textOf(form, 'password') };
}

const TOKEN_LIFE_S = 90 * 86_400;

function tokenOf(form: FormData) {
  return { name: textOf(form, 'name'), role: roleOf(form), expiresInSeconds: TOKEN_LIFE_S };
}

function RoleChoice() {
  return (
    <label>
      Role{' '}
      <select name="role">
        {roles.map((role) => (
          <option key={role}>{role}</option>
        ))}
      </select>
    </label>
  );
}

function Tokens() {
  const { data, problem, refresh } = useLive('GET /api/tokens', [], 15_000);
  const [made, setMade] = useState<TokenMadeView | undefined>();
  const [run, failure, isBusy] = useAction();
  const revoke = (id: string) =>
    run(async () => {
      await api.ask('DELETE /api/tokens/{name}', { params: { name: id } });
      refresh();
    });
  const columns: readonly Column<TokenView>[] = [
    { title: 'Token', cell: ({ name }) => name, by: ({ name }) => name },
    { title: 'Role', cell: ({ role }) => role, by: ({ role }) => role },
    { title: 'State', cell: ({ state }) => state, by: ({ state }) => state },
    { title: 'Expires', cell: ({ expiresAt }) => (expiresAt === null ? 'never' : ago(expiresAt)) },
    {
      title: 'End',
      cell: ({ id, state, name }) =>
        state === 'valid' && (
          <button type="button" aria-label={`Revoke ${name}`} onClick={() => revoke(id)}>
            Revoke
          </button>
        ),
    },
  ];
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    run(async () => {
      setMade(await api.ask('POST /api/tokens', { body: tokenOf(new FormData(form)) }));
      form.reset();
      refresh();
    });
  };
  return (
    <section>
      <h2>API tokens</h2>
      <ProblemNote problem={failure ?? problem} />
      {made !== undefined && (
        <p class="note good" role="status">
          Copy it now, it is shown once: <code>{made.token}</code>
        </p>
      )}
      <Table
        label="API tokens"
        columns={columns}
        rows={data?.tokens ?? []}
        keyOf={({ id }) => id}
        empty="No token yet."
      />
      <form onSubmit={submit}>
        <label>
          Name <input name="name" required autocomplete="off" />
        </label>
        <RoleChoice />
        <button disabled={isBusy}>Make a token</button>
      </form>
    </section>
  );
}

const auditColumns: readonly Column<AuditView>[] = [
  { title: 'When', cell: ({ at }) => moment(at) },
  { title: 'Who', cell: ({ who }) => who },
  { title: 'Did', cell: ({ action }) => action },
  { title: 'To', cell: ({ target }) => target },
  {
    title: 'Outcome',
    cell: ({ outcome, code }) => (code === null ? outcome : `${outcome}: ${code}`),
  },
  { title: 'From', cell: ({ from }) => from, isWide: true },
];

function Audit() {
  const { data, problem } = useLive('GET /api/audit', [{ query: { limit: 100 } }], 15_000);
  const [earlier, setEarlier] = useState<readonly AuditPageView[]>([]);
  const [run, failure] = useAction();
  const next = (earlier.at(-1) ?? data)?.next ?? null;
  const more = () =>
    run(async () => {
      const page = await api.ask('GET /api/audit', { query: { limit: 100, before: next ?? undefined } });
      setEarlier([...earlier, page]);
    });
  return (
    <section>
      <h2>Audit log</h2>
      <ProblemNote problem={failure ?? problem} />
      <Table
        label="Audit log"
        columns={auditColumns}
        rows={[...(data?.records ?? []), ...earlier.flatMap(({ records }) => records)]}
        keyOf={({ id }) => id}
        empty="Nothing was changed yet."
      />
      {next !== null && (
        <button type="button" onClick={more}>
          Earlier
        </button>
      )}
    </section>
  );
}
