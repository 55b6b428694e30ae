/** RFC 3339. A clock that lies may be beyond what a date can be. */
export function time(ms: number): string {
  return new Date(Math.min(ms, 8.64e15)).toISOString();
}
