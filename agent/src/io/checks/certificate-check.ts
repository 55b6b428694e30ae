import { createPrivateKey, X509Certificate } from 'node:crypto';
import { formatDuration, messageOf } from '@holdfast/protocol';
import { found, type Finding } from '../../core/finding.ts';
import type { TlsOptions } from '../broker-socket.ts';

const CHECK = 'certificate';
const RENEW = 'Renew it: holdfast enroll --renew, or, if it is of your own CA, have that make one.';
const PEM = 'It is a file in PEM, which this user may read.';
const SOON_MS = 30 * 86_400_000;

/** Whether what a device shows and trusts is valid now, and for a while. */
export function checkCertificates(tls: TlsOptions, nowMs: number): readonly Finding[] {
  const own = tls.cert === undefined ? [] : [validity('of this device', tls.cert, nowMs)];
  const trusted = tls.ca === undefined ? [] : [validity('that is trusted', tls.ca, nowMs)];
  return [...own, ...pair(tls), ...trusted];
}

function validity(whose: string, pem: string | Buffer, nowMs: number): Finding {
  try {
    const { validFrom, validTo } = new X509Certificate(pem);
    const [fromMs, toMs] = [Date.parse(validFrom), Date.parse(validTo)];
    const ago = (ms: number): string => formatDuration(Math.abs(nowMs - ms));
    if (toMs < nowMs) {
      return found(CHECK, 'failure', `the one ${whose} expired ${ago(toMs)} ago`, RENEW);
    }
    if (fromMs > nowMs) {
      const text = `the one ${whose} is valid in ${ago(fromMs)} only`;
      return found(CHECK, 'failure', text, 'Look at the clock of this device.');
    }
    const text = `the one ${whose} is valid for ${ago(toMs)}`;
    const isSoon = toMs - nowMs < SOON_MS;
    return found(CHECK, isSoon ? 'warning' : 'ok', text, isSoon ? RENEW : '');
  } catch (error) {
    const text = `the one ${whose} cannot be read: ${messageOf(error)}`;
    return found(CHECK, 'failure', text, PEM);
  }
}

function pair({ cert, key }: TlsOptions): readonly Finding[] {
  if (cert === undefined || key === undefined) return [];
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return [];
    const text = 'the private key is not the one of the certificate';
    return [found(CHECK, 'failure', text, 'Give the two that were made together.')];
  } catch (error) {
    return [found(CHECK, 'failure', `the private key cannot be read: ${messageOf(error)}`, PEM)];
  }
}
