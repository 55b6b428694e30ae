import { HoldfastError, type ErrorCode, type LinkDown } from '@holdfast/protocol';
import { ErrorWithReasonCode } from './mqtt.ts';

/** What of a connection attempt was reached when it ended. */
export type DialStage = 'connecting' | 'subscribing' | 'up';

export interface DialEnd {
  /** `host:port` of the broker. */
  readonly broker: string;
  readonly stage: DialStage;
  /** What was reported, if anything was. */
  readonly error: Error | undefined;
}

/** What the system calls why an address cannot be reached, in words. */
const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'no such name is known',
  EAI_AGAIN: 'the name could not be looked up; is there a network?',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no way to this host',
  ENETUNREACH: 'no way to its network',
  ENETDOWN: 'the network is down',
  EADDRNOTAVAIL: 'this device has no address to connect from',
};

/** MQTT 3.1.1, 3.2.2.3: the return codes of CONNACK. */
const refusals: Readonly<Record<number, string>> = {
  1: 'it does not speak MQTT 3.1.1',
  2: 'it does not accept the client id of this device',
  3: 'it is not available now',
  4: 'user name or password are wrong',
  5: 'this device is not authorized',
};

/** Says why a link ended in the words of the error catalogue. */
export function linkDownOf(end: DialEnd): LinkDown {
  const { broker, error, stage } = end;
  const sysCode = error !== undefined && 'code' in error ? error.code : undefined;
  if (error instanceof ErrorWithReasonCode && stage === 'connecting') {
    const reason = refusals[error.code] ?? `it gave the return code ${error.code}`;
    return down('HF_BROKER_REFUSED', `${broker}: ${reason}`);
  }
  if (stage === 'subscribing' && error !== undefined && sysCode === undefined) {
    return down('HF_BROKER_REFUSED', `${broker}: it does not let this device subscribe`);
  }
  if (typeof sysCode === 'string' && stage === 'connecting') {
    const words = unreachable[sysCode];
    if (words !== undefined) {
      return down('HF_GATEWAY_UNREACHABLE', `${broker}: ${words} (${sysCode})`);
    }
    if (/CERT|TLS|SSL|SELF_SIGNED|LEAF_SIGNATURE|EPROTO|ISSUER/.test(sysCode)) {
      return down('HF_GATEWAY_UNTRUSTED', `${broker}: ${error?.message ?? ''} (${sysCode})`);
    }
  }
  if (stage === 'up') return down('HF_LINK_LOST', `${broker}: ${error?.message ?? 'closed'}`);
  const words = error?.message ?? 'the connection was closed before MQTT answered';
  return down('HF_GATEWAY_UNREACHABLE', `${broker}: ${words}`);
}

export function down(code: ErrorCode, why: string): LinkDown {
  return { code, message: new HoldfastError(code, { why }).message };
}
