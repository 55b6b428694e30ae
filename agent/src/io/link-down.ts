import { HoldfastError, type ErrorCode, type LinkDown } from '@holdfast/protocol';
import { ErrorWithReasonCode } from './mqtt.ts';
import { tlsWords } from './tls-words.ts';

/** What of a connection attempt was reached when it ended. */
export type DialStage = 'connecting' | 'subscribing' | 'up';

export interface DialEnd {
  /** `host:port` of the broker. */
  readonly broker: string;
  readonly stage: DialStage;
  /** The connection was to be TLS. */
  readonly isTls: boolean;
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
  if (stage === 'up') return down('HF_LINK_LOST', `${broker}: ${error?.message ?? 'closed'}`);
  if (stage === 'connecting') return unanswered(end, typeof sysCode === 'string' ? sysCode : '');
  return down('HF_GATEWAY_UNREACHABLE', `${broker}: ${error?.message ?? 'closed'}`);
}

/** Nothing has said yet that it is an MQTT broker. */
function unanswered({ broker, isTls, error }: DialEnd, sysCode: string): LinkDown {
  const words = unreachable[sysCode];
  if (words !== undefined) {
    return down('HF_GATEWAY_UNREACHABLE', `${broker}: ${words} (${sysCode})`);
  }
  const untrusted = tlsWords(sysCode, error?.message ?? '');
  if (untrusted !== undefined) {
    return down('HF_GATEWAY_UNTRUSTED', `${broker}: ${untrusted} (${sysCode})`);
  }
  const isEnded = error === undefined || sysCode === 'ECONNRESET';
  if (isEnded && isTls) {
    const why = `${broker}: it ended the connection before TLS stood; is this its port for TLS?`;
    return down('HF_GATEWAY_UNTRUSTED', why);
  }
  const why = isEnded
    ? 'the connection was closed before MQTT answered'
    : `what answers does not speak MQTT: a portal, or a port for TLS (${error.message})`;
  return down('HF_GATEWAY_UNREACHABLE', `${broker}: ${why}`);
}

export function down(code: ErrorCode, why: string): LinkDown {
  return { code, message: new HoldfastError(code, { why }).message };
}
