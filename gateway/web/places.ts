/** The pages, in the order of the day, and who may see them. */
export const places = [
  ['#/', 'Fleet', 'viewer'],
  ['#/attention', 'Attention', 'viewer'],
  ['#/runs', 'Runs', 'viewer'],
  ['#/commands', 'Commands', 'viewer'],
  ['#/ledger', 'Ledger', 'viewer'],
  ['#/enrolment', 'Enrolment', 'admin'],
  ['#/settings', 'Settings', 'admin'],
] as const;

export type Place = (typeof places)[number];

export function placesFor(role: string): readonly Place[] {
  return places.filter(([, , needed]) => needed === 'viewer' || needed === role);
}
