/** What the gateway tells by itself; `ready` and `reset` come first, or after a gap. */
const kinds = ['ready', 'reset', 'device', 'entries'] as const;

let source: EventSource | undefined;
const listeners = new Set<() => void>();

/** Calls `listener` when something has changed in the fleet. @returns What ends that. */
export function onChange(listener: () => void): () => void {
  listeners.add(listener);
  source ??= open();
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    source?.close();
    source = undefined;
  };
}

/** The browser connects again by itself, behind the last event that it had. */
function open(): EventSource {
  const opened = new EventSource('/api/events');
  for (const kind of kinds) {
    opened.addEventListener(kind, () => {
      for (const listener of listeners) listener();
    });
  }
  return opened;
}
