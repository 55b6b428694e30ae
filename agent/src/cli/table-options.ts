import {
  HoldfastError,
  tableChoice,
  tableGiven,
  tableOptions,
  type TableFlags,
} from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { Screen } from './link-line.ts';

/** Adds the options of commands that print a table. */
export function addTable(command: Command): Command {
  for (const [flags, description] of tableOptions) command.option(flags, description);
  return command;
}

/** The screen, with what the options say of the table on it. */
export function withTable(screen: Screen, flags: TableFlags): Screen {
  const { color, width, nowMs } = screen;
  return { color, width, nowMs, table: tableChoice(flags) };
}

/** For what prints line after line, and no table. @throws HF_USAGE */
export function checkNoTable(flags: TableFlags, option: string): void {
  const [given] = tableGiven(flags);
  if (given === undefined) return;
  const why = `${given} and ${option} contradict each other: there is no table then`;
  throw new HoldfastError('HF_USAGE', { why });
}
