/** What is to happen once a turn has had all its effects. */
export type AfterTurn =
  | 'next'
  /** First the process is reached: by a signal, and by a rejection that nobody handles. */
  | 'reached'
  | 'over';

const settled = Promise.resolve();
/** Taken before a world is begun, in which nobody may have it. */
const { setImmediate: whenPolled } = globalThis;

/**
 * Takes one turn after another, each once every promise that can go on has: Node runs all of them
 * before it begins its next tick. A promise for each turn would cost as much as many turns do.
 */
export function takeTurns(turn: () => AfterTurn): Promise<void> {
  return new Promise((resolve, reject) => {
    const take = (): void => {
      try {
        const then = turn();
        if (then === 'over') resolve();
        else if (then === 'reached') whenPolled(begin);
        else settle();
      } catch (error) {
        reject(error);
      }
    };
    // In a promise, as whatever goes on in an agent: a tick that is asked for there comes behind
    // all of them, one that is asked for in a tick before.
    const begin = (): void => void settled.then(take);
    const settle = (): void => process.nextTick(begin);
    void settled.then(settle);
  });
}
