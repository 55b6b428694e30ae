/** What a device says to a gateway to try the way, and how it knows the answer. */
export interface Greeting {
  readonly bytes: Uint8Array;
  /** Whether this is the answer. @throws what the gateway refuses it with. */
  readonly read: (bytes: Uint8Array) => boolean;
}
