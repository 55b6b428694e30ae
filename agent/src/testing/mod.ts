export { Life, type LifeOptions } from './life.ts';
export { SimChance } from './sim-chance.ts';
export { SimClock } from './sim-clock.ts';
export { SimStore, type Outcome } from './sim-store.ts';
