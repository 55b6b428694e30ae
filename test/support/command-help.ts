import { HELP_WIDTH, reflow } from '@holdfast/protocol';
import type { Command } from 'commander';

/** What is printed for `--help`, in parts. */
export interface Help {
  readonly usage: string;
  readonly description: string;
  readonly terms: readonly (readonly [term: string, description: string])[];
  /** What follows: explanations and examples. */
  readonly after: string;
}

export function helpOf(command: Command): Help {
  const helper = command.createHelp();
  let text = '';
  command.configureOutput({
    writeOut: (part) => (text += part),
    getOutHelpWidth: () => HELP_WIDTH,
  });
  helper.prepareContext({ helpWidth: HELP_WIDTH });
  command.outputHelp();
  const formatted = command.helpInformation();
  const after = reflow(text.slice(formatted.length), HELP_WIDTH).trim();
  return {
    ...{ usage: helper.commandUsage(command), description: helper.commandDescription(command) },
    terms: [
      ...helper
        .visibleArguments(command)
        .map((each) => [helper.argumentTerm(each), helper.argumentDescription(each)] as const),
      ...helper
        .visibleOptions(command)
        .map((each) => [helper.optionTerm(each), helper.optionDescription(each)] as const),
    ],
    after,
  };
}

/** A paragraph of what follows the options. */
export interface Paragraph {
  readonly lines: readonly string[];
  /** Examples, tables and the like stay as they are. */
  readonly isPlain: boolean;
}

export function paragraphsOf(text: string): readonly Paragraph[] {
  if (text === '') return [];
  return text.split(/\n\n+/).map((paragraph) => {
    const lines = paragraph.split('\n');
    const isPlain = lines.every((line) => /^\S/.test(line) && !line.endsWith(':'));
    return { lines, isPlain };
  });
}
