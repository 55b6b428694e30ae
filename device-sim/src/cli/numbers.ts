import { Exit, HoldfastError } from '@holdfast/protocol';
import type { SimulationReport } from '../report/report.ts';

const VIOLATED = 9;

export function exitOf({ violations }: Pick<SimulationReport, 'violations'>): number {
  return violations.length === 0 ? Exit.ok : VIOLATED;
}

/** @throws HF_USAGE */
export function numberOf(flag: string, text: string, min: number): number {
  const number = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= 1e6) return number;
  const why = `${flag} is ${text}; it must be a number from ${min} to 1000000`;
  throw new HoldfastError('HF_USAGE', { why });
}

/** @throws HF_USAGE */
export function outputOf(text: string): 'text' | 'json' {
  if (text === 'text' || text === 'json') return text;
  throw new HoldfastError('HF_USAGE', { why: `--output is ${text}; it must be text or json` });
}
