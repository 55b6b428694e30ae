import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '@holdfast/protocol';
import type { Passwords } from '../core/access/access-ports.ts';

/** 32 MiB and some 0.2 s each, as OWASP advises; the next version may raise them. */
const cost = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 };
const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** At work at a time: bounds memory, and leaves threads of the pool to the ledger. */
const RUNNING_MAX = 2;
/** That wait; who comes then is told to come again. */
const WAITING_MAX = 32;
const AGAIN_MS = 2_000;

/** Hashes passwords with scrypt. A hash is `scrypt$<N>$<r>$<p>$<salt>$<hash>`, in base64url. */
export function createPasswords(): Passwords {
  const turn = createTurns();
  const derive = (password: string, salt: Buffer, by: typeof cost): Promise<Buffer> =>
    turn(
      () =>
        new Promise((resolve, reject) => {
          scrypt(password, salt, HASH_BYTES, by, (error, hash) => {
            if (error === null) resolve(hash);
            else reject(error);
          });
        }),
    );
  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const hash = await derive(password, salt, cost);
      const parts = [
        cost.N,
        cost.r,
        cost.p,
        salt.toString('base64url'),
        hash.toString('base64url'),
      ];
      return ['scrypt', ...parts].join('$');
    },
    async matches(password, stored) {
      const [kind, N, r, p, salt = '', hash = ''] = (stored ?? '').split('$');
      const isKnown = kind === 'scrypt';
      const by = isKnown ? { ...cost, N: Number(N), r: Number(r), p: Number(p) } : cost;
      const saltBytes = isKnown ? Buffer.from(salt, 'base64url') : randomBytes(SALT_BYTES);
      const expected = Buffer.from(hash, 'base64url');
      const found = await derive(password, saltBytes, by);
      return isKnown && expected.length === found.length && timingSafeEqual(expected, found);
    },
  };
}

/** Lets a few work at a time, and a bounded number wait. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= RUNNING_MAX) {
      if (waiting.length >= WAITING_MAX) {
        const details = { retryAfterMs: AGAIN_MS };
        throw new HoldfastError('HF_ACCESS_LIMITED', { why: 'too many log in at once', details });
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
