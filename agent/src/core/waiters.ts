/** Those who wait for one thing to happen. */
export class Waiters {
  readonly #all: { readonly resolve: () => void; readonly reject: (why: unknown) => void }[] = [];

  /** Resolves, or rejects, once `end` is called. */
  wait(): Promise<void> {
    return new Promise((resolve, reject) => this.#all.push({ resolve, reject }));
  }

  /** @param failure Why it will not happen. Default: it has. */
  end(failure?: unknown): void {
    for (const { resolve, reject } of this.#all.splice(0)) {
      if (failure === undefined) resolve();
      else reject(failure);
    }
  }
}
