// The shape of the platform's AbortSignal, as a type only: core receives signals, never makes them.
// Where the platform's own types are present, the two declarations merge.
interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
}
