import type { Verify } from '@holdfast/protocol';
import type { Access } from './core/access/access.ts';
import type { Doors } from './core/access/doors.ts';
import type { CertificateWatch } from './core/certificates/certificate-watch.ts';
import type { Fault } from './core/fault.ts';
import type { GatewayMeter } from './core/gateway-meter.ts';
import type { HandlerRunner } from './core/handlers.ts';
import type { Ledger } from './core/ledger.ts';
import type { Listeners } from './core/listeners.ts';
import type { Arrival } from './core/session-ports.ts';
import type { Sessions } from './core/sessions.ts';
import type { GatewayTls } from './gateway-tls.ts';
import type { BrokerAccess } from './open-broker.ts';
import type { GatewayLink } from './io/gateway-link.ts';
import type { DataDir } from './io/data-dir.ts';
import type { Identity } from './io/identity.ts';
import type { OpenLedger } from './io/open-ledger.ts';
import type { Overload } from './open-overload.ts';
import type { Retention } from './core/retention/retention.ts';
import type { Webhooks } from './core/out/webhooks.ts';

/** What a running gateway is made of. */
export interface Parts {
  readonly dataDir: DataDir;
  readonly tls: GatewayTls;
  readonly ledger: Ledger;
  /** Why the ledger cannot be used now; `undefined`: it can. */
  readonly problem: OpenLedger['problem'];
  readonly access: Access;
  readonly signer: Identity;
  readonly verify: Verify;
  readonly doors: Doors;
  readonly broker: BrokerAccess;
  readonly link: GatewayLink;
  readonly sessions: Sessions;
  readonly runner: HandlerRunner;
  readonly meter: GatewayMeter;
  readonly webhooks: Webhooks;
  readonly retention: Retention;
  readonly arrivals: Listeners<Arrival>;
  readonly calls: Listeners<void>;
  readonly fault: Fault;
  readonly overload: Overload;
  readonly certificates: CertificateWatch;
}
