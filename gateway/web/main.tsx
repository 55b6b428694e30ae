import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useAddress, type Address } from '../../protocol/web/address.ts';
import { Guarded } from '../../protocol/web/guarded.tsx';
import { SkipLink } from '../../protocol/web/skip-link.tsx';
import type { SessionView } from '../src/core/access/access-views.ts';
import { api } from './api.ts';
import { Attention } from './attention.tsx';
import { Command, Commands } from './commands.tsx';
import { Device } from './device.tsx';
import { Enrolment } from './enrolment.tsx';
import { Fleet } from './fleet.tsx';
import { Ledger } from './ledger.tsx';
import { Run } from './run.tsx';
import { Runs } from './runs.tsx';
import { Settings } from './settings.tsx';
import { SignIn } from './sign-in.tsx';

const places = [
  ['#/', 'Fleet', 'viewer'],
  ['#/attention', 'Attention', 'viewer'],
  ['#/runs', 'Runs', 'viewer'],
  ['#/commands', 'Commands', 'viewer'],
  ['#/ledger', 'Ledger', 'viewer'],
  ['#/enrolment', 'Enrolment', 'admin'],
  ['#/settings', 'Settings', 'admin'],
] as const;

function Page({ address, role }: { readonly address: Address; readonly role: string }) {
  const mayAct = role !== 'viewer';
  const [place = '', id = '', part = '', ...rest] = address;
  const run = part === 'runs' ? rest.join('/') : '';
  if (place === 'devices' && run !== '') return <Run device={id} id={run} mayAct={mayAct} />;
  if (place === 'devices' && id !== '') return <Device id={id} mayAct={mayAct} />;
  if (place === 'attention') return <Attention mayAct={mayAct} />;
  if (place === 'runs') return <Runs />;
  if (place === 'commands') return id === '' ? <Commands /> : <Command id={id} />;
  if (place === 'ledger') return <Ledger mayRead={mayAct} />;
  if (place === 'enrolment') return <Enrolment code={id} />;
  if (place === 'settings') return <Settings />;
  if (place === '') return <Fleet />;
  return (
    <p class="empty">
      There is no page here. <a href="#/">To the fleet</a>
    </p>
  );
}

function App({ session }: { readonly session: SessionView }) {
  const address = useAddress();
  useEffect(() => {
    const [place = '', id = '', , ...run] = address;
    const title = places.find(([at]) => at === `#/${place}`)?.[1] ?? '';
    const parts = [run.join('/'), id, title, 'Holdfast'];
    document.title = parts.filter((part) => part !== '').join(' · ');
  }, [address.join('/')]);
  const signOut = () => void api.ask('DELETE /api/session').finally(() => location.reload());
  const [here = ''] = address;
  const isHere = (place: string) => place === `#/${here === 'devices' ? '' : here}`;
  return (
    <>
      <SkipLink />
      <header>
        <b>holdfast</b>
        <nav aria-label="Pages">
          {places
            .filter(([, , role]) => role === 'viewer' || session.role === role)
            .map(([place, title]) => (
              <a href={place} {...(isHere(place) ? { 'aria-current': 'page' as const } : {})}>
                {title}
              </a>
            ))}
        </nav>
        <span class="who">
          {session.who.replace(/^user:/, '')}, {session.role}{' '}
          <button type="button" onClick={signOut}>
            Sign out
          </button>
        </span>
      </header>
      <main id="main" tabIndex={-1}>
        <Guarded key={address.join('/')}>
          <Page address={address} role={session.role} />
        </Guarded>
      </main>
    </>
  );
}

function Root() {
  const [session, setSession] = useState<SessionView | 'none' | undefined>();
  useEffect(() => {
    api.ask('GET /api/session').then(setSession, () => setSession('none'));
  }, []);
  if (session === undefined) return null;
  return session === 'none' ? <SignIn onDone={setSession} /> : <App session={session} />;
}

const root = document.getElementById('root');
if (root !== null) render(<Root />, root);
