import { VirtualTime } from './virtual-time.ts';

/** A time in which what is to be woken is woken as soon as nothing else is at work. */
export class AtOnce extends VirtualTime {
  override wakeIn(_delayMs: number, wake: () => void): () => void {
    let isOff = false;
    void Promise.resolve().then(() => (isOff ? undefined : wake()));
    return () => (isOff = true);
  }
}
