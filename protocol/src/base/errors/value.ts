import type { ErrorSpec } from './spec.ts';

/** Failures of values, names and durations. */
export const valueErrors = {
  HF_VALUE_UNSUPPORTED: {
    message: 'A value of this kind cannot be stored',
    retry: 'never',
    hint: 'Return plain data: numbers, strings, arrays, objects, dates, maps, sets, bytes, errors.',
  },
  HF_VALUE_CIRCULAR: {
    message: 'A value that contains itself cannot be stored',
    retry: 'never',
    hint: 'Return a copy without the reference back to its parent.',
  },
  HF_VALUE_TOO_LARGE: {
    message: 'The value is larger than it may be',
    retry: 'never',
    hint: 'Store it in a file or an object store and journal a reference to it.',
  },
  HF_VALUE_SEALED: {
    message: 'The content of this value is not here',
    retry: 'never',
    hint: 'It was marked local or redacted and is read on its device, or it was erased for good.',
  },
  HF_NAME_INVALID: {
    message: 'The name is not usable',
    retry: 'never',
    hint: 'Use 1 to 128 characters, none of them control characters.',
  },
  HF_DURATION_INVALID: {
    message: 'The duration is not usable',
    retry: 'never',
    hint: "Give milliseconds as a number ≥ 0, or text such as '250ms', '30s', '15m', '3h', '2d'.",
  },
} as const satisfies Record<string, ErrorSpec>;
