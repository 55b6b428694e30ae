import type { ProgressPlace } from '@holdfast/protocol';

/** Taken before a world is begun, in which nobody may have it. */
const { hrtime } = process;

/** Where long work of this program tells how far it is. */
export function progressPlace(): ProgressPlace {
  const { stderr, env } = process;
  return {
    isTerminal: stderr.isTTY && env['TERM'] !== 'dumb',
    columns: () => stderr.columns,
    every: (ms, look) => {
      const timer = setInterval(look, ms);
      return () => clearInterval(timer);
    },
    nowMs: () => Number(hrtime.bigint()) / 1e6,
    write: (text) => void stderr.write(text),
  };
}
