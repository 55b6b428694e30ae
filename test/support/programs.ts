import { createProgram as createAgentProgram, type Shell } from '@holdfast/agent/internal';
import { createSimProgram } from '@holdfast/device-sim/internal';
import { createProgram as createGatewayProgram } from '@holdfast/gateway/internal';
import type { Command } from 'commander';

const ignore = (): void => undefined;

/** Nobody's terminal. */
const shell: Shell = {
  ...{ env: {}, isTerminal: false, color: false, width: undefined, nowMs: () => 0 },
  progress: { isTerminal: false, nowMs: () => 0, write: () => undefined },
  ...{ print: ignore, write: ignore, say: ignore, fail: ignore, outliveReaders: ignore },
};

/** The three command lines, by the names of their programs. */
export async function allPrograms(): Promise<ReadonlyMap<string, Command>> {
  return new Map([
    ['holdfast', await createAgentProgram(shell, [])],
    ['holdfast-gateway', createGatewayProgram(ignore)],
    ['holdfast-sim', createSimProgram()],
  ]);
}

/** A command that does something, and how it is typed. */
export interface Leaf {
  readonly name: string;
  readonly command: Command;
}

/** Commands without commands of their own, or with an action beside them; no hidden ones. */
export function leavesOf(program: Command, before = ''): readonly Leaf[] {
  const visible = program.createHelp().visibleCommands(program);
  const inner = visible.filter((each) => each.name() !== 'help');
  return inner.flatMap((command) => {
    const name = `${before}${command.name()}`;
    const below = leavesOf(command, `${name} `);
    return below.length === 0 ? [{ name, command }] : below;
  });
}
