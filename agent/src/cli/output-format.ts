import { Option } from 'commander';

export type Format = 'text' | 'json' | 'jsonl';

/** `-o`, for commands that print one document. */
export function formatOption(): Option {
  return new Option('-o, --output <format>', 'for people or for programs')
    .choices(['text', 'json'])
    .default('text');
}

/** `-o`, for commands that can print line after line. */
export function streamFormatOption(): Option {
  return new Option('-o, --output <format>', 'for people or for programs').choices([
    'text',
    'json',
    'jsonl',
  ]);
}
