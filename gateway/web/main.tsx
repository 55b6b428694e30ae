import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Guarded } from '../../protocol/web/guarded.tsx';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import type { SessionView } from '../src/core/access/access-views.ts';
import { api, ApiError, type Problem } from './api.ts';
import { App } from './app.tsx';
import { onSessionOver } from './session.ts';
import { SignIn } from './sign-in.tsx';

/** How long to wait with the next question who it is, where nobody has answered. */
const AGAIN_MS = 3_000;

/** What was asked before somebody signed in may be refused behind it. */
async function isSignedOut(): Promise<boolean> {
  try {
    await api.ask('GET /api/session');
    return false;
  } catch (error) {
    return error instanceof ApiError && error.problem.status === 401;
  }
}

/** Who it is, or that this is to be asked; a page that was open stays below, as it was. */
function Root() {
  const [session, setSession] = useState<SessionView | undefined>();
  const [isOver, setOver] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>();
  const [round, setRound] = useState(0);
  useEffect(() => onSessionOver(() => void isSignedOut().then((is) => is && setOver(true))), []);
  useEffect(() => {
    if (session !== undefined) return undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    api.ask('GET /api/session').then(setSession, (error: unknown) => {
      const why = error instanceof ApiError ? error.problem : undefined;
      if (why?.status === 401) setOver(true);
      else again = setTimeout(() => setRound(round + 1), AGAIN_MS);
      setProblem(why?.status === 401 ? undefined : why);
    });
    return () => clearTimeout(again);
  }, [round]);
  const signedIn = (next: SessionView) => {
    setSession(next);
    setOver(false);
  };
  return (
    <>
      {isOver && <SignIn onDone={signedIn} isAgain={session !== undefined} />}
      {session !== undefined && (
        <div hidden={isOver}>
          <App session={session} />
        </div>
      )}
      {session === undefined && !isOver && (
        <main>
          <h1>Holdfast</h1>
          <ProblemNote problem={problem} />
          {problem === undefined && <p class="empty">Asking the gateway…</p>}
        </main>
      )}
    </>
  );
}

const root = document.getElementById('root');
if (root !== null) {
  render(
    <Guarded>
      <Root />
    </Guarded>,
    root,
  );
}
