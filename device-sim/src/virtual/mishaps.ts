import type { Chance, Clock } from '@holdfast/protocol';
import type { Mishap, Plan } from './plan.ts';
import type { World } from './world.ts';

/** Begins what goes wrong in a world, each thing at times that chance decides. */
export function beginMishaps(world: World, plan: Plan): void {
  const { time, chance, network, gateway } = world;
  const often = (mishap: Mishap, begin: (forMs: number) => () => void): void =>
    recur({ time, chance, mishap, isOver: () => world.isHealing }, begin);
  for (const { name, agent, disk, clock } of world.machines) {
    const air = network.airOf(name);
    often(plan.outage, () => {
      network.setUp(name, false);
      return () => network.setUp(name, true);
    });
    often(plan.silence, () => {
      const ways = Math.floor(chance.next() * 3);
      air.isSilentUp = ways !== 1;
      air.isSilentDown = ways !== 0;
      return () => {
        air.isSilentUp = false;
        air.isSilentDown = false;
      };
    });
    often(plan.kill, () => {
      agent.kill();
      return () => world.startAgent(name);
    });
    often(plan.pause, () => {
      const life = agent.life;
      life?.clock.pause();
      return () => life?.clock.resume();
    });
    often(plan.slowDisk, () => {
      disk.syncMs = 1_000 + chance.next() * 4_000;
      return () => (disk.syncMs = 1);
    });
    often(plan.fullDisk, () => {
      disk.isFull = true;
      return () => (disk.isFull = false);
    });
    often(plan.clockJump, (forMs) => {
      clock.offsetMs = (chance.next() * 2 - 1) * forMs;
      return () => (clock.offsetMs = 0);
    });
    often(plan.slowLink, () => {
      air.bytesPerMs = 1.2; // 9.6 kbit/s
      air.latencyMs = 600;
      return () => {
        air.bytesPerMs = Number.POSITIVE_INFINITY;
        air.latencyMs = 20;
      };
    });
  }
  often(plan.cityOutage, () => {
    for (const { name } of world.machines) network.setUp(name, false);
    return () => {
      for (const { name } of world.machines) network.setUp(name, true);
    };
  });
  often(plan.brokerDown, () => {
    network.setBroker(false);
    return () => network.setBroker(true);
  });
  often(plan.gatewayKill, () => {
    gateway.kill();
    return () => world.startGateway();
  });
}

interface Recurring {
  readonly time: Clock;
  readonly chance: Chance;
  readonly mishap: Mishap;
  readonly isOver: () => boolean;
}

/** Between half and one and a half of the average. */
function recur(recurring: Recurring, begin: (forMs: number) => () => void): void {
  const { time, chance, mishap, isOver } = recurring;
  if (mishap.everyMs === 0) return;
  const around = (averageMs: number): number => averageMs * (0.5 + chance.next());
  const wait = (): void => {
    time.wakeIn(around(mishap.everyMs), () => {
      if (isOver()) return;
      const forMs = around(mishap.forMs);
      const end = begin(forMs);
      time.wakeIn(forMs, () => {
        // Healing has ended it already.
        if (isOver()) return;
        end();
        wait();
      });
    });
  };
  wait();
}
