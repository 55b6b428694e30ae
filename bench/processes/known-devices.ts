// known-devices DIR COUNT: a ledger in DIR that so many devices have greeted, and that ends.
import { openLevelLedger, sha256 } from '@holdfast/gateway/internal';
import { argument, say } from './say.ts';

const [dir, count] = [argument(0), Number(argument(1))];
const ledger = await openLevelLedger(dir, { sha256, isNew: false });
const devices = Array.from({ length: count }, (_, index) => `known-${index}`);
const publicKey = new Uint8Array(91);
await Promise.all(devices.map((device) => ledger.greet({ device, epoch: 1, publicKey, atMs: 1 })));
await ledger.close();
say({ count });
