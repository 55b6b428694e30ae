/** What needs no codec, which takes a while to load: enough for a command line that only asks. */
export * from './base/assert.ts';
export * from './base/broker-profiles.ts';
export * from './base/bytes.ts';
export * from './base/errors.ts';
export * from './base/exit.ts';
export * from './base/log.ts';
export * from './base/histogram.ts';
export * from './base/metric.ts';
export * from './base/mqtt-version.ts';
export * from './base/names.ts';
export * from './base/ports.ts';
export * from './base/settings-file.ts';
export * from './base/terminal.ts';
export * from './base/traceparent.ts';
export * from './base/units.ts';
export * from './base/wrap.ts';
export * from './wire/lanes.ts';
