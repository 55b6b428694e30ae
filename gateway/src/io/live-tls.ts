import type { Server } from 'node:tls';
import type { Tls } from './tls-files.ts';

/** What a server shows, which may be renewed while it serves. */
export class LiveTls {
  #tls: Tls;
  readonly #listeners = new Set<() => void>();

  constructor(tls: Tls) {
    this.#tls = tls;
  }

  get tls(): Tls {
    return this.#tls;
  }

  /** Connections that stand go on; the next ones see this. */
  replace(tls: Tls): void {
    this.#tls = tls;
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Has a server show it, now and when it is replaced. @param rules Besides. */
  keep(server: Server, rules: () => object = () => ({})): void {
    this.onChange(() => server.setSecureContext({ ...this.#tls, ...rules() }));
  }
}
