import { HoldfastError, durationMs } from '@holdfast/protocol/base';
import type { MeteredOptions } from '../agent-options.ts';
import { byteSize } from './byte-size.ts';
import type { FoundSettings } from './settings.ts';

/** Below, not even a greeting fits. */
const BUDGET_BYTES_MIN = 16 * 1024;

/** What a link that costs may be used for, if it does. @throws HF_CONFIG_INVALID */
export function meteredOptions(found: FoundSettings): MeteredOptions | undefined {
  const [budget, windows, urgent] = ['link-budget', 'link-window', 'link-urgent'].map((name) => {
    const setting = found.get(name);
    if (setting === undefined) return undefined;
    const { value, origin, place } = setting;
    return { value, place: origin === 'option' ? place : `${place}: ${name}` };
  });
  if (budget === undefined && windows === undefined) {
    if (urgent === undefined) return undefined;
    throw invalid(urgent.place, 'means nothing without --link-budget or --link-window');
  }
  return {
    ...(budget && { budget: readBudget(budget) }),
    ...(windows && { windows: windows.value.split(';').map((text) => readWindow(text, windows)) }),
    ...(urgent && { urgent: urgent.value === 'always' }),
  };
}

interface Given {
  readonly value: string;
  readonly place: string;
}

function readBudget({ value, place }: Given): NonNullable<MeteredOptions['budget']> {
  const [, size = '', per] = /^(.*)\/(day|month)$/.exec(value.trim()) ?? [];
  if (per === 'day' || per === 'month') {
    return { bytes: byteSize(place, size, BUDGET_BYTES_MIN), per };
  }
  throw invalid(place, `${value} is not a size a day or a month, such as 10M/month`);
}

/** `0 2 * * * for 30m`. Whether the expression is one is for the agent to say. */
function readWindow(text: string, { value, place }: Given) {
  const [, cron = '', duration = ''] = /^(.+)\s+for\s+(\S+)$/.exec(text.trim()) ?? [];
  try {
    if (cron !== '' && durationMs(duration) > 0) return { cron: cron.trim(), for: duration };
  } catch {
    // Said below.
  }
  throw invalid(place, `${value} is no window, such as '0 2 * * * for 30m'`);
}

function invalid(place: string, why: string): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', { why: `${place} ${why}` });
}
