/** Options of `holdfast-sim run`, as they are typed. */
export interface RunFlags {
  readonly seed: string;
  readonly devices?: string;
  readonly hours?: string;
  readonly code?: string;
  readonly output: string;
  readonly report?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly real: boolean;
  readonly minutes?: string;
  readonly broker?: string;
}

type Size = Partial<Pick<RunFlags, 'devices' | 'hours' | 'code' | 'real' | 'minutes' | 'broker'>>;

/** What gives the same again. */
export function commandOf(scenario: string, seed: number, given: Size = {}): string {
  const flags = ['devices', 'hours', 'code', 'minutes', 'broker'] as const;
  const size = flags.flatMap((flag) => {
    const value = given[flag];
    return value === undefined ? [] : [`--${flag} ${value}`];
  });
  const real = given.real === true ? ['--real'] : [];
  return ['holdfast-sim run', scenario, ...real, `--seed ${seed}`, ...size].join(' ');
}
