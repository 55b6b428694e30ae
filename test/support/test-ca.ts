import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of PEM files. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of a test, made by openssl in a directory that goes with it. */
export class TestCa {
  readonly path: string;
  readonly #dir: string;
  readonly #name: string;

  private constructor(dir: string, name: string) {
    this.#dir = dir;
    this.#name = name;
    this.path = join(dir, `${name}.pem`);
  }

  static async make(dir: string, name: string): Promise<TestCa> {
    const ca = new TestCa(dir, name);
    const files = ['-keyout', join(dir, `${name}.key`), '-out', ca.path];
    const what = ['-x509', '-nodes', '-days', '3650', '-subj', `/CN=${name}`];
    await run('openssl', ['req', ...newKey, ...what, ...files]);
    return ca;
  }

  read(): Promise<string> {
    return readFile(this.path, 'utf8');
  }

  /** A certificate for a host, an IP address or a device; with `days` below 0, one that expired. */
  async issue(name: string, san: string, days = 365): Promise<Issued> {
    const at = (ending: string): string => join(this.#dir, `${name}.${ending}`);
    await writeFile(at('ext'), `subjectAltName=${san}\n`);
    const request = ['-nodes', '-subj', `/CN=${name}`, '-keyout', at('key'), '-out', at('csr')];
    await run('openssl', ['req', ...newKey, ...request]);
    await run('openssl', [
      ...['x509', '-req', '-in', at('csr'), '-out', at('crt'), '-extfile', at('ext')],
      ...['-CA', this.path, '-CAkey', join(this.#dir, `${this.#name}.key`)],
      ...['-CAcreateserial', '-days', String(days)],
    ]);
    return { cert: at('crt'), key: at('key') };
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] as const;
