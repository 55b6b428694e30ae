/** What the caller may do: try later, never try the same again, or restart the process. */
export type Retry = 'later' | 'never' | 'restart';

export interface ErrorSpec {
  readonly message: string;
  readonly retry: Retry;
  readonly hint: string;
}
