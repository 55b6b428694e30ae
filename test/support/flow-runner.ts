import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { compileFunction } from 'node:vm';
import type { ExecutionContext } from 'ava';

type Message = Readonly<Record<string, unknown>>;

/** A node of a flow of Node-RED, as far as it is looked at here. */
export interface FlowNode {
  readonly id: string;
  readonly type: string;
  readonly name?: string;
  readonly z?: string;
  readonly func?: string;
  readonly props?: readonly { readonly p: string; readonly v: string; readonly vt: string }[];
  readonly wires?: readonly (readonly string[])[];
}

/**
 * Does what Node-RED does with the nodes of one flow, as far as it has them: passes what is
 * injected, and what comes by HTTP, along its wires, and keeps what its debug nodes show.
 */
export class FlowRunner {
  readonly #nodes: ReadonlyMap<string, FlowNode>;
  readonly #socket: string;
  readonly #shown: unknown[] = [];
  #onShown: () => void = () => {};

  constructor(nodes: readonly FlowNode[], socket: string) {
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
    this.#socket = socket;
  }

  /** Serves the `http in` node that there is, and gives the address. */
  async listen(t: ExecutionContext): Promise<string> {
    const [way] = [...this.#nodes.values()].filter(({ type }) => type === 'http in');
    const server = http.createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (part: string) => (text += part));
      request.on('end', () => {
        response.writeHead(202).end();
        if (way !== undefined) this.#pass(way, { payload: JSON.parse(text) });
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.teardown(() => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/weigh`;
  }

  /** Presses the button of an inject node, with what is different from what it has. */
  inject(id: string, change: (message: Message) => Message = (message) => message): void {
    const node = this.#node(id);
    const fields = (node.props ?? []).map(({ p, v, vt }) => [p, vt === 'json' ? JSON.parse(v) : v]);
    this.#pass(node, change(Object.fromEntries(fields)));
  }

  /** Resolves with what is shown next that fits. */
  async shown(fits: (payload: unknown) => boolean): Promise<unknown> {
    for (;;) {
      const at = this.#shown.findIndex(fits);
      if (at >= 0) return this.#shown.splice(at, 1)[0];
      await new Promise<void>((resolve) => {
        this.#onShown = resolve;
      });
    }
  }

  #node(id: string): FlowNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  #pass(from: FlowNode, message: Message): void {
    for (const id of from.wires?.flat() ?? []) this.#reach(this.#node(id), message);
  }

  #reach(node: FlowNode, message: Message): void {
    if (node.type === 'debug') {
      this.#shown.push(message['payload']);
      this.#onShown();
    } else if (node.type === 'function') this.#run(node, node, message);
    else if (node.type.startsWith('subflow:')) {
      const inner = [...this.#nodes.values()].find(({ z }) => node.type === `subflow:${z}`);
      if (inner !== undefined) this.#run(inner, node, message);
    }
  }

  /** @param at Whose wires lead on. */
  #run({ func = '' }: FlowNode, at: FlowNode, msg: Message): void {
    const names = ['msg', 'node', 'env', 'http', 'setTimeout'];
    const node = {
      send: (message: Message) => this.#pass(at, message),
      error: (why: string) => this.#reach({ id: '', type: 'debug' }, { payload: why }),
      status: () => undefined,
      done: () => undefined,
    };
    const given = compileFunction(func, names)(msg, node, { get: () => this.#socket }, http);
    if (given !== undefined) this.#pass(at, given as Message);
  }
}
