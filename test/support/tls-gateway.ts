import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { Agent, type AgentOptions } from '@holdfast/agent';
import { enrollDevice } from '@holdfast/agent/internal';
import { Gateway, type GatewayOptions } from '@holdfast/gateway';
import type { EnrolmentMadeView } from '@holdfast/gateway/internal';
import type { ExecutionContext } from 'ava';
import { connect, type IClientOptions } from 'mqtt';
import { runGateway } from './gateway-process.ts';
import { tempDir } from './temp-dir.ts';

/** A gateway whose own authority has issued what it shows, on loopback. */
export interface TlsGateway {
  readonly gateway: Gateway;
  readonly dataDir: string;
  /** What a command prints, about this gateway. @throws When it fails. */
  readonly command: (...args: readonly string[]) => Promise<string>;
  /** Enrols a device in a directory of its own. @returns The directory. */
  readonly enroll: (device: string) => Promise<string>;
}

export async function openTlsGateway(
  t: ExecutionContext,
  options: Partial<GatewayOptions> = {},
): Promise<TlsGateway> {
  const dir = await tempDir(t);
  const dataDir = options.dataDir ?? join(dir, 'gateway');
  const ports = { mqttPort: 0, httpPort: 0, tlsNames: ['localhost'] } as const;
  const fixed = { dataDir, ...ports, enrollment: 'required' } as const;
  const gateway = await Gateway.open({ ...fixed, ...options });
  t.teardown(() => gateway.close());
  const command = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runGateway(...args, '--data-dir', dataDir);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  return {
    gateway,
    dataDir,
    command,
    async enroll(device) {
      const path = join(dir, device);
      await enrollDevice(path, await tokenOf(gateway, dataDir, device));
      return path;
    },
  };
}

/** A token that enrols a device, as `enroll create` makes one, without a process for it. */
async function tokenOf(gateway: Gateway, dataDir: string, device: string): Promise<string> {
  const ca = await readFile(join(dataDir, 'ca/ca.crt'));
  const secret = (await readFile(gateway.tokenFile, 'utf8')).trim();
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
  const url = `${gateway.httpUrl}/api/enrolments`;
  const asked = request(url, { ca, headers, method: 'POST', agent: false });
  asked.end(JSON.stringify({ device, tags: {} }));
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
  return (JSON.parse(text) as EnrolmentMadeView).token;
}

const uplink = { retryMsMin: 20, retryMsMax: 200 };

export async function openEnrolled(
  t: ExecutionContext,
  dataDir: string,
  options: Partial<AgentOptions> = {},
): Promise<Agent> {
  const agent = await Agent.open({ dataDir, workflows: [], uplink, ...options });
  t.teardown(() => agent.close().catch(() => undefined));
  return agent;
}

/** Connects by hand. @returns The code of the CONNACK, or the error that came before one. */
export function connackOf(url: string, options: IClientOptions): Promise<number | string> {
  const fixed = { protocolVersion: 4, reconnectPeriod: 0 } as const;
  const client = connect(url, { ...fixed, ...options });
  return new Promise((resolve) => {
    const end = (how: number | string): void => {
      client.end(true);
      resolve(how);
    };
    client.on('error', (error) => end(error.message));
    client.on('close', () => end('closed'));
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'connack') end(packet.returnCode ?? 0);
    });
  });
}
