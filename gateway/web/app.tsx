import { useEffect } from 'preact/hooks';
import { useAddress, type Address } from '../../protocol/web/address.ts';
import { Guarded } from '../../protocol/web/guarded.tsx';
import { SkipLink } from '../../protocol/web/skip-link.tsx';
import type { SessionView } from '../src/core/access/access-views.ts';
import { api } from './api.ts';
import { AttentionCount } from './attention-count.tsx';
import { Attention } from './attention.tsx';
import { Command, Commands } from './commands.tsx';
import { Device } from './device.tsx';
import { Enrolment } from './enrolment.tsx';
import { Fleet } from './fleet.tsx';
import { Ledger } from './ledger.tsx';
import { LiveMark } from './live-mark.tsx';
import { Palette } from './palette.tsx';
import { places, placesFor } from './places.ts';
import { Run } from './run.tsx';
import { Runs } from './runs.tsx';
import { Settings } from './settings.tsx';

function Page({ address, role }: { readonly address: Address; readonly role: string }) {
  const mayAct = role !== 'viewer';
  const [place = '', id = '', part = '', ...rest] = address;
  const run = part === 'runs' ? rest.join('/') : '';
  if (place === 'devices' && run !== '') return <Run device={id} id={run} mayAct={mayAct} />;
  if (place === 'devices' && id !== '') return <Device id={id} role={role} />;
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

/** All that somebody sees who has signed in. */
export function App({ session }: { readonly session: SessionView }) {
  const address = useAddress();
  useEffect(() => {
    const [place = '', id = '', , ...run] = address;
    const title = places.find(([at]) => at === `#/${place}`)?.[1] ?? '';
    const parts = [run.join('/'), id, title, 'Holdfast'];
    document.title = parts.filter((part) => part !== '').join(' · ');
  }, [address.join('/')]);
  return (
    <>
      <SkipLink />
      <Header session={session} place={address[0] ?? ''} />
      <main id="main" tabIndex={-1}>
        <Guarded key={address.join('/')}>
          <Page address={address} role={session.role} />
        </Guarded>
      </main>
    </>
  );
}

function Header({ session, place }: { readonly session: SessionView; readonly place: string }) {
  const signOut = () => void api.ask('DELETE /api/session').finally(() => location.reload());
  const isHere = (at: string) => at === `#/${place === 'devices' ? '' : place}`;
  return (
    <header>
      <b>holdfast</b>
      <nav aria-label="Pages">
        {placesFor(session.role).map(([at, title]) => (
          <a key={at} href={at} {...(isHere(at) ? { 'aria-current': 'page' as const } : {})}>
            {title}
            {at === '#/attention' && (
              <Guarded isQuiet>
                <AttentionCount />
              </Guarded>
            )}
          </a>
        ))}
      </nav>
      <span class="who">
        <LiveMark />
        <Palette role={session.role} />
        <span class="name">
          {session.who.replace(/^user:/, '')}, {session.role}
        </span>
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      </span>
    </header>
  );
}
