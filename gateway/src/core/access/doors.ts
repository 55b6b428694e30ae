import { createAdmission, type AdmissionPorts } from './admission.ts';
import { BrokerRefusals } from './broker-refusals.ts';
import { Door, type DoorPorts } from './door.ts';
import { MqttHook } from './mqtt-hook.ts';

/** Who is let in where, and what of that was refused. */
export interface Doors {
  /** Of the embedded broker. */
  readonly door: Door;
  /** For brokers that ask: only devices that were enrolled pass. */
  readonly hook: MqttHook;
  readonly refusals: BrokerRefusals;
}

interface DoorsOptions extends Pick<DoorPorts, 'clock' | 'log'> {
  readonly takesStrangers: boolean;
  readonly requireCertificate?: boolean | undefined;
}

export function createDoors(
  known: Omit<AdmissionPorts, 'needsCertificate'>,
  { takesStrangers, requireCertificate = false, clock, log }: DoorsOptions,
): Doors {
  const refusals = new BrokerRefusals();
  const admit = (needsCertificate: boolean) => createAdmission({ ...known, needsCertificate });
  const own = takesStrangers ? undefined : admit(requireCertificate);
  const door = new Door({ admit: own, refusals, clock, log });
  // Certificates that another broker was shown are for it to check.
  const asked = new Door({ admit: admit(false), refusals, clock, log });
  return { door, hook: new MqttHook(asked, refusals), refusals };
}
