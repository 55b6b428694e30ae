import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useLive } from './api.ts';
import { placesFor } from './places.ts';
import { deviceAddress, runAddress } from './runs.tsx';

interface Target {
  readonly kind: 'page' | 'device' | 'run';
  readonly title: string;
  /** What tells it from others of its name. */
  readonly of: string;
  readonly address: string;
}

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
const TITLE = 'Find a page, a device or a run';
const SHOWN = 8;
/** The newest, of which runs are found by a part of their id; others by `DEVICE RUN`. */
const RUNS_SEEN = 200;

/** Finds a page, a device or a run by the keyboard, from everywhere. */
export function Palette({ role }: { readonly role: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOpen, setOpen] = useState(false);
  const open = () => {
    if (dialog.current?.open === false) dialog.current.showModal();
    setOpen(true);
  };
  const close = () => dialog.current?.close();
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const isAsked = event.key.toLowerCase() === 'k' && (event.metaKey || event.ctrlKey);
      if (!isAsked || event.altKey || event.shiftKey) return;
      event.preventDefault();
      open();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  return (
    <>
      <button type="button" aria-keyshortcuts="Control+K Meta+K" onClick={open}>
        Find <kbd>{isMac ? '⌘' : 'Ctrl '}K</kbd>
      </button>
      <dialog ref={dialog} aria-label={TITLE} onClose={() => setOpen(false)}>
        {isOpen && <Search role={role} close={close} />}
      </dialog>
    </>
  );
}

function Search({ role, close }: { readonly role: string; readonly close: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const { targets, isAsking } = useTargets(text.trim(), role);
  const chosen = Math.min(at, targets.length - 1);
  const go = (target: Target | undefined) => {
    if (target === undefined) return;
    close();
    location.hash = target.address;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === 'Enter') go(targets[chosen]);
    else if (step !== undefined && targets.length > 0) {
      setAt((chosen + step + targets.length) % targets.length);
    } else return;
    event.preventDefault();
  };
  return (
    <>
      <input
        role="combobox"
        aria-label={TITLE}
        aria-controls="found"
        aria-expanded={targets.length > 0}
        aria-autocomplete="list"
        {...(chosen >= 0 && { 'aria-activedescendant': `found-${chosen}` })}
        placeholder="Page, device, run, or DEVICE RUN"
        autocomplete="off"
        spellcheck={false}
        ref={input}
        maxLength={200}
        value={text}
        onInput={({ currentTarget }) => {
          setText(currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="found" role="listbox" aria-label="Found">
        {targets.map((target, place) => (
          <li
            key={target.address}
            id={`found-${place}`}
            role="option"
            aria-selected={place === chosen}
            onClick={() => go(target)}
          >
            <span class="name">{target.title}</span> <span class="empty">{target.of}</span>
          </li>
        ))}
      </ul>
      <p class="empty" role="status">
        {targets.length === 0 && (isAsking ? 'Asking…' : 'Nothing here is called like this.')}
      </p>
    </>
  );
}

function runOn(device: string, id: string): Target {
  return { kind: 'run', title: id, of: `run on ${device}`, address: runAddress({ device, id }) };
}

/** What fits the text: pages first, then devices, then runs. */
function useTargets(text: string, role: string) {
  const wanted = text.toLowerCase();
  const [device = '', run = '', ...more] = text.split(/\s+/);
  const search = device === '' || device.length > 64 ? undefined : device;
  const query = { search, order: 'attention', limit: SHOWN } as const;
  const devices = useLive('GET /api/devices', search === undefined ? undefined : [{ query }]);
  const runs = useLive('GET /api/runs', [{ query: { limit: RUNS_SEEN } }], 15_000, 'by the clock');
  const pages = placesFor(role).map(([address, title]): Target => {
    return { kind: 'page', title, of: 'page', address };
  });
  const found = (devices.data?.devices ?? []).map((each): Target => {
    const address = deviceAddress(each.device);
    return { kind: 'device', title: each.device, of: `device, ${each.state}`, address };
  });
  const newest = (runs.data?.runs ?? []).map((each): Target => {
    const of = `run of ${each.workflow} on ${each.device}, ${each.state}`;
    return { kind: 'run', title: each.id, of, address: runAddress(each) };
  });
  const fits = ({ title }: Target) => title.toLowerCase().includes(wanted);
  const exact = found.find(({ title }) => title === device);
  const named =
    exact === undefined || run === '' || more.length > 0
      ? []
      : [runOn(device, run)];
  const all =
    text === ''
      ? pages
      : [...named, ...pages.filter(fits), ...found.filter(fits), ...newest.filter(fits)];
  const byAddress = new Map(all.map((target) => [target.address, target]));
  const isAsking = (search !== undefined && devices.data === undefined) || runs.data === undefined;
  return { targets: [...byAddress.values()].slice(0, SHOWN * 2), isAsking };
}
