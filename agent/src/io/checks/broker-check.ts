import { formatBytes, MESSAGE_BYTES_MAX, type BrokerProfile } from '@holdfast/protocol';
import { found, type Finding } from '../../core/finding.ts';
import type { KnownCap } from '../../core/uplink-cap.ts';

const CHECK = 'broker';

/** What is known of the limits of a broker. */
export interface BrokerKnowledge {
  /** What the agent counts on. */
  readonly profile: BrokerProfile;
  /** Largest packet, as the broker says itself; `undefined`: it does not, or was not asked. */
  readonly packetBytesMax: number | undefined;
  /** What the agent has found out; `undefined`: nothing that speaks against the profile. */
  readonly learned: KnownCap | undefined;
  /** Entries that no message could carry. */
  readonly setAside: readonly { readonly bytes: number }[];
}

/** Whether a broker takes what is sent to it; empty when nothing speaks against it. */
export function checkBroker(known: BrokerKnowledge): readonly Finding[] {
  const countsOn = Math.min(known.profile.messageBytesMax, MESSAGE_BYTES_MAX);
  return [...setAside(known), ...tooSmall(known, countsOn)];
}

function setAside({ setAside: entries }: BrokerKnowledge): readonly Finding[] {
  if (entries.length === 0) return [];
  const largest = formatBytes(Math.max(...entries.map(({ bytes }) => bytes)));
  const many = `${entries.length} entries of up to ${largest} fit in no message that it takes`;
  const text =
    entries.length === 1
      ? `an entry of ${largest} fits in no message that it takes, and is set aside`
      : `${many}, and are set aside`;
  const hint = 'They are kept here, and holes in the ledger: raise the limit of the broker.';
  return [{ ...found(CHECK, 'failure', text, hint), code: 'HF_ENTRY_UNSENDABLE' }];
}

function tooSmall(known: BrokerKnowledge, countsOn: number): readonly Finding[] {
  const { learned, packetBytesMax = Number.POSITIVE_INFINITY } = known;
  const expected = `the profile counts on ${formatBytes(countsOn)}`;
  const hint = 'Raise its limit, or name what it is with --broker-profile; it works, in parts.';
  if (packetBytesMax < countsOn) {
    const text = `it says that it takes ${formatBytes(packetBytesMax)} at most; ${expected}`;
    return [found(CHECK, 'warning', text, hint)];
  }
  if (learned === undefined || learned.fails > countsOn) return [];
  const { fits, fails } = learned;
  const text = `it hung up at a message of ${formatBytes(fails)}, and took ${formatBytes(fits)}`;
  return [found(CHECK, 'warning', `${text}; ${expected}`, hint)];
}
