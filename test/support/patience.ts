/**
 * How long a test waits for another process. A quick machine takes a hundredth of it: whatever
 * takes longer hangs.
 */
export const PATIENCE_MS = 60_000;
