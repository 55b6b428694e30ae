/** What the gateway tells by itself; `ready` and `reset` come first, or after a gap. */
const kinds = ['ready', 'reset', 'device', 'entries'] as const;

/** How long to wait with the next try where the browser does not try again by itself. */
const AGAIN_MS = 3_000;

interface Listener {
  /** Only what is about this one; `undefined`: all. */
  readonly device: string | undefined;
  readonly tell: () => void;
}

let source: EventSource | undefined;
let again: ReturnType<typeof setTimeout> | undefined;
let isLive = false;
const listeners = new Set<Listener>();
const watchers = new Set<(live: boolean) => void>();

/**
 * Calls `tell` when something has changed in the fleet, or of one device, and when it may have
 * unseen. @returns What ends that.
 */
export function onChange(tell: () => void, device?: string): () => void {
  const listener = { tell, device };
  listeners.add(listener);
  open();
  return () => {
    listeners.delete(listener);
    closeUnused();
  };
}

/** Calls `watcher` with whether the gateway tells what changes. @returns What ends that. */
export function watchLive(watcher: (live: boolean) => void): () => void {
  watchers.add(watcher);
  watcher(isLive);
  open();
  return () => {
    watchers.delete(watcher);
    closeUnused();
  };
}

function closeUnused(): void {
  if (listeners.size + watchers.size > 0) return;
  clearTimeout(again);
  again = undefined;
  source?.close();
  source = undefined;
}

/** The browser connects again by itself, behind the last event that it had. */
function open(): void {
  if (source !== undefined || again !== undefined) return;
  const opened = new EventSource('api/events');
  source = opened;
  opened.addEventListener('open', () => {
    // Behind a gap without events, too: what was asked for meanwhile was not answered.
    if (!isLive) tellOf(undefined);
    setLive(true);
  });
  opened.addEventListener('error', () => {
    setLive(false);
    // An answer that is no stream, such as of a proxy, ends the browser's own tries.
    if (opened.readyState !== EventSource.CLOSED || source !== opened) return;
    source = undefined;
    again = setTimeout(() => {
      again = undefined;
      open();
    }, AGAIN_MS);
  });
  for (const kind of kinds) {
    opened.addEventListener(kind, ({ data }: MessageEvent<string>) => tellOf(deviceOf(data)));
  }
}

/** What is not readable may be about any. */
function deviceOf(data: string): string | undefined {
  try {
    const { device } = JSON.parse(data) as { readonly device?: string };
    return device;
  } catch {
    return undefined;
  }
}

function tellOf(device: string | undefined): void {
  for (const listener of listeners) {
    const isOther = device !== undefined && (listener.device ?? device) !== device;
    if (!isOther) listener.tell();
  }
}

function setLive(live: boolean): void {
  if (isLive === live) return;
  isLive = live;
  for (const watcher of watchers) watcher(live);
}
