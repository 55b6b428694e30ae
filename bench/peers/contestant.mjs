// contestant.mjs NAME PLACE: does durable work with one engine, as the process that started it asks
// by messages: { do: 'rate', runs, ms } says { perSecond, steps }; { do: 'hang', count } begins so
// many runs that get stuck in their fourth step. Says { hung } when PLACE.hung of them are there,
// also when the engine has brought them back. PLACE is JSON, see `engines.mjs`.
import { open } from './engines.mjs';

const STEPS_A_RUN = 100;
const [name, place] = [process.argv[2], JSON.parse(process.argv[3])];
let [done, hung] = [0, 0];

const say = (message) => process.send(message);

function weigh(index) {
  done += 1;
  return { grams: index, stable: true };
}

/** The same code for every engine; `step` makes a step of a function. */
const bodies = {
  async work(step) {
    for (let index = 0; index < STEPS_A_RUN; index += 1) await step('weigh', () => weigh(index));
  },
  async hang(step) {
    for (const title of ['intake', 'weigh', 'price']) await step(title, () => weigh(0));
    await step('pack', () => {
      hung += 1;
      if (hung === place.hung) say({ hung });
      return new Promise(() => {});
    });
  },
};

/** Has so many callers run one run after another for that long. */
async function rate(engine, { runs, ms }) {
  const [before, startedAt] = [done, performance.now()];
  const isOver = () => performance.now() - startedAt >= ms;
  const caller = async () => {
    while (!isOver()) await engine.run();
  };
  await Promise.all(Array.from({ length: runs }, caller));
  const steps = done - before;
  return { steps, perSecond: (steps * 1_000) / (performance.now() - startedAt) };
}

const engine = await open(name, place, bodies);

async function obey(order) {
  if (order.do === 'rate') say(await rate(engine, order));
  else for (let begun = 0; begun < order.count; begun += 1) await engine.begin();
}

process.on('message', (order) => void obey(order));
process.on('disconnect', () => process.exit(0));
say({ isOpen: true });
