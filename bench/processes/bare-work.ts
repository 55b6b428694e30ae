// bare-work DIR CALLERS MS: bare synced puts of a row as large as that of a step, by so many
// callers that share a sync.
import { BarePuts, STEP_ROW_BYTES } from '../bare-puts.ts';
import { argument, say } from './say.ts';

const puts = await BarePuts.open(argument(0));
const [callers, ms] = [Number(argument(1)), Number(argument(2))];
const load = { callers, valueBytes: STEP_ROW_BYTES, ms };
await puts.rate({ ...load, ms: ms / 2 });
say({ perSecond: await puts.rate(load) });
await puts.close();
