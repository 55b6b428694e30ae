import { parseArgs } from 'node:util';
import { serveModel } from '../agent-loop/model-service.ts';
import { serveNotices } from '../approval/notice-service.ts';
import { serveMeters } from '../fan-out/meter-service.ts';
import { serveTravel } from '../saga/travel-service.ts';
import type { FaultOptions } from './faults.ts';
import type { Service } from './http-service.ts';

type Serve = (options: FaultOptions & { readonly port: number }) => Promise<Service>;

/** Each with the port that its example looks for it at. */
const standIns: Readonly<Record<string, readonly [port: number, serve: Serve]>> = {
  meters: [4003, serveMeters],
  travel: [4004, (options) => serveTravel({ ...options, soldOut: ['car'] })],
  notices: [4005, serveNotices],
  model: [4006, serveModel],
};

const usage = `Runs a service that an example talks to, on the loopback interface.

Usage: node examples/dist/stand-ins/main.js NAME [--port PORT] [--fail-rate SHARE] [--delay-ms MS]

  NAME is one of ${Object.keys(standIns).join(', ')}.
`;

function misuse(): never {
  process.stderr.write(usage);
  process.exit(2);
}

function readOptions() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        port: { type: 'string' },
        'fail-rate': { type: 'string', default: '0' },
        'delay-ms': { type: 'string', default: '0' },
      },
    });
  } catch {
    return misuse();
  }
}

const { positionals, values } = readOptions();
const [name = ''] = positionals;
const standIn = Object.hasOwn(standIns, name) ? standIns[name] : undefined;
if (standIn === undefined) misuse();
const [usualPort, serve] = standIn;
const port = Number(values.port ?? usualPort);
const failRate = Number(values['fail-rate']);
const delayMs = Number(values['delay-ms']);
if (![port, failRate, delayMs].every((number) => number >= 0)) misuse();

const service = await serve({ port, failRate, delayMs });
process.stdout.write(`${JSON.stringify({ pid: process.pid, url: service.url })}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void service.close());
}
