import { parseArgs } from 'node:util';
import type { Service } from '../stand-ins/http-service.ts';
import { serveInventory } from './inventory-service.ts';
import { servePayment } from './payment-service.ts';

const help = `Runs the payment and the inventory service of the checkout example.

Usage: node examples/dist/checkout/services.js [options]

  --payment-port PORT    0 chooses a free one (default 4001)
  --inventory-port PORT  0 chooses a free one (default 4002)
  --fail-rate SHARE      share of the payment requests that fail, 0 to 1 (default 0)
  --seed NUMBER          the same seed fails the same requests (default 1)
  --delay-ms MS          time from the work to its answer (default 0)
  --help

Prints one line of JSON with the addresses when both are ready; ends on SIGINT and SIGTERM.
`;

/** What a person is told in three lines. */
class StartError extends Error {
  override readonly name = 'StartError';
  readonly why: string;
  readonly hint: string;
  readonly exitCode: number;

  constructor(what: string, more: { why: string; hint: string; exitCode: number }) {
    super(what);
    this.why = more.why;
    this.hint = more.hint;
    this.exitCode = more.exitCode;
  }
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        'payment-port': { type: 'string', default: '4001' },
        'inventory-port': { type: 'string', default: '4002' },
        'fail-rate': { type: 'string', default: '0' },
        seed: { type: 'string', default: '1' },
        'delay-ms': { type: 'string', default: '0' },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function usage(why: string): StartError {
  const hint = 'Add --help to see what it takes.';
  return new StartError('The command line is not right', { why, hint, exitCode: 2 });
}

interface Range {
  readonly max: number;
  readonly integer: boolean;
}

const portRange: Range = { max: 65_535, integer: true };
const shareRange: Range = { max: 1, integer: false };
const countRange: Range = { max: 2 ** 31 - 1, integer: true };

function readNumber(option: string, text: string, { max, integer }: Range): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (number <= max && (!integer || Number.isInteger(number))) return number;
  throw usage(`--${option} ${text} is not ${integer ? 'an integer' : 'a number'} from 0 to ${max}`);
}

async function listen(option: string, port: number, start: () => Promise<Service>) {
  try {
    return await start();
  } catch (cause) {
    throw new StartError(`Port ${port} of 127.0.0.1 cannot be had`, {
      why: cause instanceof Error ? cause.message : String(cause),
      hint: `Stop what listens there, or choose another with --${option} (0: any free one).`,
      exitCode: 1,
    });
  }
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  const ports = {
    payment: readNumber('payment-port', options['payment-port'], portRange),
    inventory: readNumber('inventory-port', options['inventory-port'], portRange),
  };
  const failRate = readNumber('fail-rate', options['fail-rate'], shareRange);
  const seed = readNumber('seed', options.seed, countRange);
  const delayMs = readNumber('delay-ms', options['delay-ms'], countRange);

  const payment = await listen('payment-port', ports.payment, () =>
    servePayment({ port: ports.payment, failRate, seed, delayMs }),
  );
  const inventory = await listen('inventory-port', ports.inventory, () =>
    serveInventory({ port: ports.inventory, delayMs }),
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void Promise.all([payment.close(), inventory.close()]));
  }
  const ready = {
    pid: process.pid,
    paymentUrl: payment.url,
    inventoryUrl: inventory.url,
    handlerUrl: `${inventory.url}/update`,
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
}

main().catch((error: unknown) => {
  if (!(error instanceof StartError)) throw error;
  const lines = [`error: ${error.message}`, `  cause: ${error.why}`, `  hint: ${error.hint}`];
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exit(error.exitCode);
});
