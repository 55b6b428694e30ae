import test from 'ava';
import {
  Sessions,
  StoreLedger,
  createVerify,
  inflate,
  newLedgerRow,
  sessionsLimits,
  sha256,
} from '@holdfast/gateway/internal';
import { encodeValue, open, seal, type Message } from '@holdfast/protocol';
import { HandJournal, newSigner } from '../../support/hand-journal.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { SimStore } from '../../support/sim-store.ts';

const SECOND = 1_000;
const idle = { head: 0, acked: 0, backlogBytes: 0, oldestAtMs: 0 };

/** A device that says it is there each five seconds, and what the gateway sends it, and when. */
class Scene {
  readonly clock = new SimClock();
  readonly journal = new HandJournal('d1');
  /** Seconds, with the numbers of the commands. */
  readonly commands: (readonly [atS: number, numbers: readonly number[]])[] = [];
  readonly sessions: Sessions;
  readonly #signer = newSigner();
  readonly #ledger: StoreLedger;
  #beganMs = 0;

  static async open(): Promise<Scene> {
    const store = new SimStore();
    await store.write([{ kind: 'put', ...newLedgerRow() }]);
    const scene = new Scene(await StoreLedger.open(store, sha256));
    scene.say(scene.journal.hello(scene.#signer));
    await scene.clock.advance(SECOND);
    scene.#beganMs = scene.clock.monoMs();
    return scene;
  }

  private constructor(ledger: StoreLedger) {
    const { clock } = this;
    this.#ledger = ledger;
    const signer = newSigner();
    this.sessions = new Sessions(
      {
        ...{ isShared: false, ledger, signer, verify: createVerify(), sha256, inflate, clock },
        downlink: { send: (_device, bytes) => this.#hear(open('d1', bytes).message) },
        log: { error() {}, info() {}, debug() {} },
        ...{ point: () => {}, onArrival() {}, onCalls() {} },
        onFailure(error) {
          throw error;
        },
      },
      { ...sessionsLimits, gateway: 'gw', publicKey: signer.publicKey },
    );
  }

  say(message: Message): void {
    this.sessions.receive('d1', seal('d1', message, this.#signer));
  }

  async issue(id: string): Promise<void> {
    const content = { kind: 'run.signal', run: 'r1', name: 'go', payload: encodeValue(1) } as const;
    const told = { id, ...content, expiresAtMs: 0, issuedAtMs: 1, by: 'ola', to: 'd1' };
    await this.#ledger.issue({ dispatch: told, devices: ['d1'], isLast: true });
    this.sessions.issued('d1');
  }

  /** The device has journaled the receipt of a command, and sends it. */
  receipt(command: number): void {
    const body = { kind: 'command.receipt', command, reason: '', key: `c${command}` } as const;
    this.journal.append('urgent', { ...body, outcome: 'applied' });
    const seq = this.journal.entries('urgent').length;
    this.say(this.journal.batch('urgent', seq, seq));
  }

  async passS(seconds: number, isHeard = true): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      if (isHeard && second % 5 === 0) this.#report();
      await this.clock.advance(SECOND);
      for (let turn = 0; turn < 8; turn += 1) await new Promise((next) => setImmediate(next));
    }
  }

  #report(): void {
    const { epoch } = this.journal;
    const at = { epoch, atMs: 1, agentVersion: '1', runs: [], boot: 1, monoMs: 1 };
    this.say({ kind: 'report', ...at, lanes: [idle, idle, idle] });
  }

  #hear(message: Message): void {
    if (message.kind !== 'commands') return;
    const atS = (this.clock.monoMs() - this.#beganMs) / SECOND;
    this.commands.push([atS, message.commands.map(({ number }) => number)]);
  }
}

/** How many seconds lie between one message with commands and the next. */
function pauses({ commands }: Scene): readonly number[] {
  return commands.slice(1).map(([atS], index) => Math.round(atS - (commands[index]?.[0] ?? 0)));
}

test('a command that gets no receipt goes out again, more and more seldom', async (t) => {
  const scene = await Scene.open();
  await scene.issue('c1');

  await scene.passS(160);

  t.true(scene.commands.every(([, numbers]) => numbers.join() === '1'));
  const [first = 0, second = 0, third = 0, fourth = 0] = pauses(scene);
  t.true(first >= 10 && first <= 12, pauses(scene).join());
  t.true(second >= 20 && second <= 22);
  t.true(third >= 40 && third <= 42);
  t.true(fourth >= 80 && fourth <= 82);
});

test('what has its receipt does not go out again; the rest does, soon', async (t) => {
  const scene = await Scene.open();
  await scene.issue('c1');
  await scene.issue('c2');
  await scene.passS(2);
  t.deepEqual(scene.commands.flatMap(([, numbers]) => numbers), [1, 2]);

  scene.receipt(1);
  const before = scene.commands.length;
  await scene.passS(13);
  const again = scene.commands.slice(before).map(([, numbers]) => numbers);
  scene.receipt(2);
  await scene.passS(60);

  t.deepEqual(again, [[2]]);
  t.deepEqual(scene.commands.at(-1)?.[1], [2]);
  t.true((scene.commands.at(-1)?.[0] ?? 99) < 16);
});

test('a device that is not heard is sent nothing; once it is, at once', async (t) => {
  const scene = await Scene.open();
  await scene.passS(25, false);
  await scene.issue('c1');
  await scene.passS(100, false);
  t.deepEqual(scene.commands, []);

  await scene.passS(2);

  t.deepEqual(scene.commands[0]?.[1], [1]);
});
