import { ago } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type { UserView } from '../src/core/access/access-views.ts';
import { api, useLive } from './api.ts';
import { textOf } from './form-text.ts';
import { RoleChoice, roleOf } from './role-choice.tsx';
import { useAction } from './use-action.ts';

const columns: readonly Column<UserView>[] = [
  { title: 'User', cell: ({ name }) => name, by: ({ name }) => name },
  { title: 'Role', cell: ({ role }) => role, by: ({ role }) => role },
  { title: 'Since', cell: ({ createdAt }) => ago(createdAt) },
  { title: 'Made by', cell: ({ createdBy }) => createdBy, isWide: true },
];

/** Who may sign in. */
export function Users() {
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
        columns={columns}
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

/** A password is taken as it was typed. */
function userOf(form: FormData) {
  const password = form.get('password');
  return {
    ...{ name: textOf(form, 'name'), role: roleOf(form) },
    password: typeof password === 'string' ? password : '',
  };
}
