import { randomBytes } from 'node:crypto';
import {
  HASH_BYTES,
  HoldfastError,
  NO_BYTES,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_MIN,
  TRIAL_EPOCH,
  eachLane,
  equalBytes,
  isErrorCode,
  isGenuine,
  open,
  seal,
  type Hello,
  type Message,
  type Signer,
} from '@holdfast/protocol';
import { agentVersion } from './agent-version.ts';
import type { Greeting } from './io/checks/greeting.ts';
import { verify } from './io/device-key.ts';

/** Of incarnations and sessions. */
const ID_BYTES = 8;

/** Who greets, and whose answer counts. */
export interface Greeter {
  readonly device: string;
  readonly signer: Signer;
  /** `undefined`: this device knows none yet, and takes any answer to its words. */
  readonly gatewayKey: Uint8Array | undefined;
}

/** A hello that tries whether messages come and go: both sides keep nothing of it. */
export function trialGreeting({ device, signer, gatewayKey }: Greeter): Greeting {
  const session = randomBytes(ID_BYTES);
  const hello = trialHello(device, signer.publicKey, session);
  return {
    bytes: seal(device, { kind: 'hello', ...hello }, signer),
    read(bytes) {
      const message = genuine(device, bytes, gatewayKey);
      if (message?.kind === 'welcome') return equalBytes(message.session, session);
      if (message?.kind !== 'refusal') return false;
      const code = isErrorCode(message.code) ? message.code : 'HF_BROKER_REFUSED';
      throw new HoldfastError(code, { why: message.why });
    },
  };
}

function trialHello(device: string, publicKey: Uint8Array, session: Uint8Array): Hello {
  const none = new Uint8Array(HASH_BYTES);
  return {
    ...{ protocolMin: PROTOCOL_VERSION_MIN, protocolMax: PROTOCOL_VERSION },
    ...{ device, epoch: TRIAL_EPOCH, incarnation: randomBytes(ID_BYTES), session },
    ...{ agentVersion, publicKey, lastCommand: 0, sentAtMs: Date.now() },
    lanes: eachLane(() => ({ head: 0, headHash: none, acked: 0, ackedHash: none })),
    ...{ machine: NO_BYTES, boot: 0, monoMs: 0 },
  };
}

/** What the gateway says; `undefined`: it is not from it, or cannot be read. */
function genuine(
  device: string,
  bytes: Uint8Array,
  key: Uint8Array | undefined,
): Message | undefined {
  try {
    const sealed = open(device, bytes);
    if (key === undefined) return sealed.message;
    return isGenuine(sealed, key, verify) ? sealed.message : undefined;
  } catch {
    return undefined;
  }
}
