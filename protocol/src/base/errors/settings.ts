import type { ErrorSpec } from './spec.ts';

/** Failures of what a person typed or configured. */
export const settingsErrors = {
  HF_USAGE: {
    message: 'The command line is not right',
    retry: 'never',
    hint: 'Add --help to the command to see what it takes.',
  },
  HF_CONFIG_INVALID: {
    message: 'A setting has a value that it cannot have',
    retry: 'never',
    hint: 'Correct the setting that is named and start again.',
  },
  HF_CODE_UNREADABLE: {
    message: 'The file with the workflows could not be loaded',
    retry: 'never',
    hint: 'Check the path given with --code; the file must be an ES module that exports workflows.',
  },
  HF_INPUT_INVALID: {
    message: 'The input is not valid JSON',
    retry: 'never',
    hint: 'Quote it for the shell, as in --input \'{"id":"A-1"}\', or use --input @file.json.',
  },
  HF_CONTEXT_UNKNOWN: {
    message: 'There is no context of this name',
    retry: 'never',
    hint: 'List them with `context ls`; make one with `context set NAME …`.',
  },
  HF_QUERY_INVALID: {
    message: 'The question to a list cannot be understood',
    retry: 'never',
    hint: "Write field, sign and value: -q 'state=stuck and since>1h'; --help has the fields.",
  },
  HF_LINES_REFUSED: {
    message: 'Some lines did not start a run',
    retry: 'never',
    hint: 'Mend the lines named above and feed the file again: nothing is started twice.',
  },
} as const satisfies Record<string, ErrorSpec>;
