type Listener = () => void;

const listeners = new Set<Listener>();

/** The gateway knows who asks no more. */
export function sessionOver(): void {
  for (const listener of listeners) listener();
}

/** @returns What ends that. */
export function onSessionOver(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
