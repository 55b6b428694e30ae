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

/** `undefined`: it is not about that. */
export function systemWords(code: string): string | undefined {
  return unreachable[code];
}
