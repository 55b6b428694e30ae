import { isIP } from 'node:net';
import { onlyOne, usage } from './options.ts';
import type { ServeOptions } from './serve.ts';

/**
 * What a gateway could not do together, or would not look at.
 *
 * @throws HF_USAGE, naming the options.
 */
export function checkConflicts(options: ServeOptions): void {
  const { broker, brokerProfile, mqttVersion, mqttPort, requireCertificate, host } = options;
  if (isIP(host) === 0 && !/^[\w.-]{1,253}$/.test(host)) {
    throw usage(`--host is ${JSON.stringify(host)}: neither a name nor an address`);
  }
  if (broker === undefined && brokerProfile !== undefined) {
    throw usage('--broker-profile needs --broker: the built-in one has no such limits');
  }
  if (broker === undefined && mqttVersion !== undefined) {
    throw usage('--mqtt-version needs --broker: the built-in one speaks 3.1.1');
  }
  if (broker !== undefined && mqttPort !== undefined) {
    throw usage('--broker and --mqtt-port contradict each other: that broker has its own port');
  }
  if (broker !== undefined && requireCertificate === true) {
    const who = 'that broker lets devices in';
    throw usage(`--broker and --require-certificate contradict each other: ${who}`);
  }
  checkShown(options);
}

/** Its own certificate, that of files, or none: at the API, and where devices connect. */
function checkShown({ broker, tlsName, tlsCert, httpCert, insecure }: ServeOptions): void {
  onlyOne({ '--insecure': insecure, '--tls-name': tlsName });
  // To another broker it shows that of --tls-cert as a client.
  if (broker === undefined) onlyOne({ '--insecure': insecure, '--tls-cert': tlsCert });
  const files = broker === undefined ? { '--tls-cert': tlsCert } : { '--http-cert': httpCert };
  onlyOne({ '--tls-name': tlsName, ...files });
}
