import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import {
  HASH_BYTES,
  NO_BYTES,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_MIN,
  TRIAL_EPOCH,
  codeOf,
  eachLane,
  equalBytes,
  isGenuine,
  messageOf,
  open,
  seal,
  type Hello,
  type Link,
  type Message,
} from '@holdfast/protocol';
import { agentVersion } from './agent-version.ts';
import { enrolled } from './ask-certificate.ts';
import type { HttpProxy } from './core/proxy-address.ts';
import { connectProof, deviceTls } from './device-credentials.ts';
import { isTlsAddress } from './io/broker-address.ts';
import { openDeviceKey, verify } from './io/device-key.ts';
import { lockDir } from './io/dir-lock.ts';
import { createMqttDial, type MqttDialOptions } from './io/mqtt-dial.ts';

const CONNECT_MS = 8_000;
const ANSWER_MS = 8_000;
/** Of incarnations and sessions. */
const ID_BYTES = 8;

/** What came of it; `untested`: why nothing went there and back, in words. */
export type GatewayTrial = { readonly roundTripMs: number } | { readonly untested: string };

/**
 * Sends a message over the broker to the gateway of an enrolled device, and waits for its answer,
 * within 16 s. Both sides keep nothing of it. Never rejects.
 *
 * While an agent runs it is not tried: a second client of its name would throw it out.
 *
 * @param proxy Through which the broker is reached.
 */
export async function tryGateway(dataDir: string, proxy?: HttpProxy): Promise<GatewayTrial> {
  let release = async (): Promise<void> => {};
  try {
    release = await lockDir(dataDir);
    return await goThereAndBack(dataDir, proxy);
  } catch (error) {
    const isRunning = codeOf(error) === 'HF_STORE_LOCKED';
    return { untested: isRunning ? 'an agent runs here, which connects itself' : messageOf(error) };
  } finally {
    await release();
  }
}

async function goThereAndBack(
  dataDir: string,
  proxy: HttpProxy | undefined,
): Promise<GatewayTrial> {
  const { enrolment, gatewayKey } = enrolled(dataDir);
  const { device } = enrolment;
  const signer = openDeviceKey(dataDir);
  const session = randomBytes(ID_BYTES);
  const hello = trialHello(device, signer.publicKey, session);
  let sentAtMs = 0;
  let link: Link | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      const way = { ...wayOf(dataDir, enrolment), ...(proxy === undefined ? {} : { proxy }) };
      const dial = createMqttDial(way)(device);
      link = dial((event) => {
        if (event.kind === 'down') resolve({ untested: event.reason.message });
        if (event.kind === 'up') {
          const untested = `no answer of the gateway within ${ANSWER_MS / 1_000} s`;
          timer = setTimeout(() => resolve({ untested }), ANSWER_MS);
          sentAtMs = performance.now();
          void link?.send('up', seal(device, { kind: 'hello', ...hello }, signer));
        }
        if (event.kind !== 'message') return;
        const message = genuine(device, event.bytes, gatewayKey);
        if (message?.kind === 'refusal') resolve({ untested: message.why });
        if (message?.kind !== 'welcome' || !equalBytes(message.session, session)) return;
        resolve({ roundTripMs: Math.round(performance.now() - sentAtMs) });
      });
    });
  } finally {
    clearTimeout(timer);
    link?.close();
  }
}

type Enrolled = ReturnType<typeof enrolled>['enrolment'];

function wayOf(dataDir: string, enrolment: Enrolled): MqttDialOptions {
  const { gateway: url, device } = enrolment;
  const password = connectProof(dataDir, device);
  return {
    ...{ url, connectMs: CONNECT_MS },
    ...(password === undefined ? {} : { password }),
    ...(isTlsAddress(url) ? { tls: deviceTls(dataDir, enrolment) } : {}),
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
function genuine(device: string, bytes: Uint8Array, key: Uint8Array): Message | undefined {
  try {
    const sealed = open(device, bytes);
    return isGenuine(sealed, key, verify) ? sealed.message : undefined;
  } catch {
    return undefined;
  }
}
