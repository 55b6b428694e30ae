import { useEffect, useState } from 'preact/hooks';
import { keep, readKept } from './kept.ts';

/** Where a browser keeps the keys of causes that its user does not want to see. */
const KEPT_AS = 'holdfast.muted';
/** The oldest are forgotten first. */
const MUTED_MAX = 200;

const listeners = new Set<() => void>();
let kept: readonly string[] | undefined;

/** The keys of causes that are muted in this browser, and what mutes one or ends that. */
export function useMuted(): readonly [
  muted: ReadonlySet<string>,
  mute: (key: string, isMuted: boolean) => void,
] {
  const [, setRound] = useState(0);
  useEffect(() => {
    const listener = () => setRound((round) => round + 1);
    // Another tab of this browser says what it has changed.
    const reread = () => {
      kept = undefined;
      listener();
    };
    listeners.add(listener);
    addEventListener('storage', reread);
    return () => {
      listeners.delete(listener);
      removeEventListener('storage', reread);
    };
  }, []);
  kept ??= read();
  return [new Set(kept), mute];
}

function mute(key: string, isMuted: boolean): void {
  const others = (kept ?? read()).filter((each) => each !== key);
  kept = isMuted ? [...others, key].slice(-MUTED_MAX) : others;
  keep(KEPT_AS, kept);
  for (const listener of listeners) listener();
}

function read(): readonly string[] {
  const found = readKept(KEPT_AS);
  return Array.isArray(found) ? found.filter((each) => typeof each === 'string') : [];
}
