import type { FleetLook, FleetStates } from '../report/picture.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { World } from './world.ts';

/** What there is to see of a world now. */
export function lookOf(world: World, { name, durationMs }: Scenario, seed: number): FleetLook {
  const { witness, timeline, observer, time } = world;
  const pending = world.machines.reduce((sum, each) => sum + witness.pendingOf(each.name), 0);
  const catchUp = observer.catchUps.at(-1);
  const caught =
    catchUp === undefined
      ? []
      : [
          {
            atMs: catchUp.atMs,
            what: `${catchUp.device} has caught up: ${catchUp.entries} entries`,
          },
        ];
  return {
    ...{ scenario: name, seed, isReal: false, atMs: time.monoMs(), durationMs },
    ...{ isHealing: world.isHealing, states: statesOf(world) },
    ...{ entries: witness.entries, pending },
    most: pending > observer.most.pending ? { pending, atMs: time.monoMs() } : observer.most,
    mishaps: world.mishaps,
    broken: new Set(witness.violations.map(({ promise }) => promise)),
    violations: witness.violations.length,
    recent: [...timeline.recent, ...caught].toSorted((a, b) => b.atMs - a.atMs),
  };
}

function statesOf({ machines, network, witness }: World): FleetStates {
  const counts = { online: 0, behind: 0, offline: 0, stopped: 0, down: 0 };
  for (const { name, agent } of machines) {
    if (agent.life === undefined) counts.down += 1;
    else if (agent.life.clock.isPaused) counts.stopped += 1;
    else if (!network.reaches(name)) counts.offline += 1;
    else if (witness.pendingOf(name) > 0) counts.behind += 1;
    else counts.online += 1;
  }
  return counts;
}
