import type { StatusView } from './views.ts';

/**
 * How a device stands, in words, without a capital and an end.
 *
 * @param entries What is pending, in words: `3 entries (1 KiB)`.
 */
export function headline({ journal, link, backlog }: StatusView, entries: string): string {
  if (journal.state === 'full') return 'the journal is full: new work is refused';
  if (journal.state === 'failed') return 'nothing can be journaled; what is under way waits';
  if (backlog.lanes.every((lane) => lane.head === 0) && link.state !== 'stuck') {
    return 'this device has journaled nothing yet';
  }
  // A store does not know whether there is a gateway, unless that has taken something.
  const isUnknown = link.state === 'stopped' && backlog.lanes.every((lane) => lane.acked === 0);
  if (backlog.pending === 0 && (isUnknown || link.state === 'none')) {
    return 'nothing in the journal of this device waits for a gateway';
  }
  if (link.state === 'none') return `${entries} in the journal of this device go nowhere`;
  if (isUnknown) return `${entries} in the journal of this device wait for a gateway`;
  if (link.state === 'stuck' && backlog.pending === 0) {
    return 'the gateway takes nothing from this device';
  }
  if (backlog.pending === 0) return 'the gateway has everything this device has journaled';
  if (link.state === 'stuck') return `${entries} are safe on this device and wait`;
  return `this device is ${entries} ahead of the gateway`;
}
