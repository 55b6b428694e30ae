import { render } from 'preact';
import { useAddress, type Address } from '../../protocol/web/address.ts';
import { Guarded } from '../../protocol/web/guarded.tsx';
import { SkipLink } from '../../protocol/web/skip-link.tsx';
import { Device } from './device.tsx';
import { Run } from './run.tsx';

function Page({ address }: { readonly address: Address }) {
  const [place = '', ...rest] = address;
  if (place === '') return <Device />;
  if (place === 'runs' && rest.length > 0) return <Run id={rest.join('/')} />;
  return (
    <p class="empty">
      There is no page here. <a href="#/">To the device</a>
    </p>
  );
}

function App() {
  const address = useAddress();
  return (
    <>
      <SkipLink />
      <header>
        <b>holdfast</b>
        <span class="who">read-only page of the device itself</span>
      </header>
      <main id="main" tabIndex={-1}>
        <Guarded key={address.join('/')}>
          <Page address={address} />
        </Guarded>
      </main>
    </>
  );
}

const root = document.getElementById('root');
if (root !== null) render(<App />, root);
