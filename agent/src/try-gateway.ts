import { performance } from 'node:perf_hooks';
import { codeOf, messageOf, type Link } from '@holdfast/protocol';
import { enrolled } from './ask-certificate.ts';
import type { HttpProxy } from './core/proxy-address.ts';
import { connectProof, deviceTls } from './device-credentials.ts';
import { isTlsAddress } from './io/broker-address.ts';
import { openDeviceKey } from './io/device-key.ts';
import { lockDir } from './io/dir-lock.ts';
import { createMqttDial, type MqttDialOptions } from './io/mqtt-dial.ts';
import { trialGreeting } from './trial-greeting.ts';

const CONNECT_MS = 8_000;
const ANSWER_MS = 8_000;

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
  const greeting = trialGreeting({ device, signer: openDeviceKey(dataDir), gatewayKey });
  let sentAtMs = 0;
  let link: Link | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const way = { ...wayOf(dataDir, enrolment), ...(proxy === undefined ? {} : { proxy }) };
      const dial = createMqttDial(way)(device);
      link = dial((event) => {
        if (event.kind === 'down') resolve({ untested: event.reason.message });
        if (event.kind === 'up') {
          const untested = `no answer of the gateway within ${ANSWER_MS / 1_000} s`;
          timer = setTimeout(() => resolve({ untested }), ANSWER_MS);
          sentAtMs = performance.now();
          void link?.send('up', greeting.bytes);
        }
        if (event.kind !== 'message') return;
        try {
          if (!greeting.read(event.bytes)) return;
          resolve({ roundTripMs: Math.round(performance.now() - sentAtMs) });
        } catch (refused) {
          reject(refused);
        }
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
