import { useState } from 'preact/hooks';
import type { SessionView } from '../src/core/access/access-views.ts';
import { api } from './api.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { useAction } from './use-action.ts';

/** Asks who it is. What was typed stays when it was wrong. */
export function SignIn(props: {
  readonly onDone: (session: SessionView) => void;
  /** It had been signed in, and the page waits. */
  readonly isAgain: boolean;
}) {
  const { onDone, isAgain } = props;
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [run, problem, isBusy] = useAction();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    run(async () => onDone(await api.ask('POST /api/session', { body: { user, password } })));
  };
  return (
    <main class="sign-in">
      <h1>Holdfast</h1>
      {isAgain && (
        <p class="note watch" role="status">
          You were signed out. What was open is as you left it once you sign in again.
        </p>
      )}
      <ProblemNote problem={problem} />
      <form onSubmit={submit}>
        <label>
          User{' '}
          <input
            name="user"
            autocomplete="username"
            required
            value={user}
            onInput={(event) => setUser(event.currentTarget.value)}
          />
        </label>
        <label>
          Password{' '}
          <input
            name="password"
            type="password"
            autocomplete="current-password"
            required
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        <button disabled={isBusy}>{isBusy ? 'Signing in…' : 'Sign in'}</button>
      </form>
      <p class="empty">
        No user yet? On the machine of the gateway: <code>holdfast-gateway user add NAME</code>
      </p>
    </main>
  );
}
