import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createSocketServer } from '@holdfast/agent/internal';
import { ScriptedSurface } from './scripted-surface.ts';
import { tempDir } from './temp-dir.ts';

const log = { error: () => undefined, info: () => undefined, debug: () => undefined };

export interface Served {
  readonly dir: string;
  /** Names the agent to whatever command is run with it. */
  readonly env: Readonly<Record<string, string>>;
  readonly surface: ScriptedSurface;
}

/** An agent whose answers are set by hand, on a socket as the real one has it. */
export async function serve(t: ExecutionContext): Promise<Served> {
  const dir = await tempDir(t);
  const surface = new ScriptedSurface();
  const server = await createSocketServer({ path: join(dir, 'agent.sock'), surface, log });
  t.teardown(() => server.close());
  return { dir, env: { HOLDFAST_DATA_DIR: dir }, surface };
}
