import { parseArgs } from 'node:util';

export interface ProgramOptions {
  readonly dataDir: string;
  readonly device: string;
  /** Of the HTTP door; 0 chooses a free one. */
  readonly port: number;
}

/** Reads what a device program of the examples is started with; exits with 2 when it is wrong. */
export function parseProgram(): ProgramOptions {
  const { values } = readArguments();
  const { 'data-dir': dataDir, device, port } = values;
  if (dataDir === undefined || !/^\d{1,5}$/.test(port)) return misuse();
  return { dataDir, device, port: Number(port) };
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        'data-dir': { type: 'string' },
        device: { type: 'string', default: 'example-1' },
        port: { type: 'string', default: '4010' },
      },
    });
  } catch {
    return misuse();
  }
}

function misuse(): never {
  process.stderr.write('Usage: --data-dir DIR [--device ID] [--port PORT]\n');
  process.exit(2);
}

/** Resolves at SIGTERM or SIGINT. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}
