import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { until } from '@holdfast/device-sim';
import { Gateway } from '@holdfast/gateway';
import { NetNamespace } from './net-namespace.ts';
import type { DeviceLine } from './netns-device.ts';
import { tempDir } from './temp-dir.ts';

const program = fileURLToPath(new URL('netns-device.js', import.meta.url));
const nobody: DeviceLine = { acked: 0, head: 0, state: 'none', code: null, resends: 0 };

/** A device on a machine of its own, and a gateway on this one. */
export class NetnsPlace {
  readonly net: NetNamespace;
  readonly gateway: Gateway;
  device: DeviceLine = nobody;
  /** Batches that came although the ledger had all of them. */
  doubled = 0;

  private constructor(net: NetNamespace, gateway: Gateway) {
    this.net = net;
    this.gateway = gateway;
    const { ledger } = gateway;
    const ingest = ledger.ingest.bind(ledger);
    ledger.ingest = async (batch) => {
      const outcome = await ingest(batch);
      if (outcome.kind === 'committed' && outcome.fresh === 0) this.doubled += 1;
      return outcome;
    };
  }

  static async open(t: ExecutionContext, shape: (net: NetNamespace) => void): Promise<NetnsPlace> {
    const net = NetNamespace.open(t);
    shape(net);
    const gateway = await Gateway.open({
      ...{ dataDir: await tempDir(t), mqttHost: net.hostAddress, mqttPort: 0 },
      ...{ insecure: true, enrollment: 'open' },
    });
    t.teardown(() => gateway.close());
    const place = new NetnsPlace(net, gateway);
    const { port } = new URL(gateway.mqttUrl);
    const address = `mqtt://${net.hostAddress}:${port}`;
    const { stdout } = net.start(program, [await tempDir(t), address]);
    if (stdout === null) throw new TypeError('its output is read');
    createInterface(stdout).on('line', (line) => {
      place.device = JSON.parse(line) as DeviceLine;
    });
    await place.untilProgress();
    return place;
  }

  async untilProgress(): Promise<void> {
    const { acked } = this.device;
    await until('progress', async () => this.device.acked > acked);
  }

  async untilSilent(): Promise<void> {
    await until('silence', async () => this.device.code === 'HF_GATEWAY_SILENT').catch((error) => {
      throw new Error(`the device says ${JSON.stringify(this.device)}`, { cause: error });
    });
  }

  /** What it was told to have is there, once and in order. */
  async check(t: ExecutionContext): Promise<void> {
    const { acked } = this.device;
    const at = { device: 'till-1', lane: 'bulk', after: 0, limit: 100_000 } as const;
    const seqs = (await this.gateway.ledger.entries(at)).map(({ seq }) => seq);
    t.true(seqs.length >= acked && acked > 0, `${seqs.length} there, ${acked} acknowledged`);
    t.deepEqual(
      seqs,
      Array.from({ length: seqs.length }, (_, index) => index + 1),
    );
  }
}
