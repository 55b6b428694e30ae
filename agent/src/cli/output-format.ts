import { tableForms, type TableForm } from '@holdfast/protocol/base';
import { Option } from 'commander';

export type Format = 'text' | 'json' | 'jsonl';
/** Of a command that prints a table. */
export type TableFormat = Format | TableForm;

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

/** `-o`, for commands that print a table. */
export function tableFormatOption(): Option {
  const formats = ['text', 'json', 'jsonl', ...tableForms];
  return new Option('-o, --output <format>', 'for people or for programs').choices(formats);
}

/** Whether it is JSON that is wanted. */
export function isJson(format: TableFormat | undefined): boolean {
  return format === 'json' || format === 'jsonl';
}
