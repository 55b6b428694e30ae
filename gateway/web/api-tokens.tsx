import { useState } from 'preact/hooks';
import { ago } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type { TokenMadeView, TokenView } from '../src/core/access/access-views.ts';
import { api, useLive } from './api.ts';
import { textOf } from './form-text.ts';
import { RoleChoice, roleOf } from './role-choice.tsx';
import { useAction } from './use-action.ts';

const TOKEN_LIFE_S = 90 * 86_400;

function tokenOf(form: FormData) {
  return { name: textOf(form, 'name'), role: roleOf(form), expiresInSeconds: TOKEN_LIFE_S };
}

/** What programs ask the API with. */
export function ApiTokens() {
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
