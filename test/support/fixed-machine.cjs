// Preloaded into a program whose screen is compared: it is always the same moment for it, the same
// person asks, and ids that are of chance elsewhere are numbers.
const crypto = require('node:crypto');
const { syncBuiltinESMExports } = require('node:module');
const os = require('node:os');

const at = Date.parse('2026-12-01T06:00:00Z');
const RealDate = Date;
globalThis.Date = class Date extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [at] : given));
  }

  static now() {
    return at;
  }
};

const { userInfo } = os;
os.userInfo = (...options) => ({ ...userInfo(...options), username: 'ola' });

let ids = 0;
crypto.randomUUID = () => {
  ids += 1;
  return `00000000-0000-4000-8000-${String(ids).padStart(12, '0')}`;
};
syncBuiltinESMExports();
