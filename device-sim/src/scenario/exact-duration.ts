const units = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** A duration in the largest unit in which it is whole, as scenarios write it. */
export function formatDurationExact(ms: number): string {
  if (ms === 0) return '0s';
  const whole = units.find(([, unitMs]) => ms % unitMs === 0);
  return whole === undefined ? `${ms}ms` : `${ms / whole[1]}${whole[0]}`;
}
