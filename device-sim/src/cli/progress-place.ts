import type { ProgressPlace } from '@holdfast/protocol';

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
    nowMs: () => performance.now(),
    write: (text) => void stderr.write(text),
  };
}
