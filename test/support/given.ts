/** What fragments of code in the pages speak of as known, and is ours. */
const ours: Readonly<Record<string, string>> = {
  ctx: 'Context',
  agent: 'Agent',
  Agent: 'typeof Agent',
  signal: 'typeof signal',
  workflow: 'typeof workflow',
};

/** …and what is the reader's, or of a library that only they have. */
const readers = [
  ...['admit', 'body', 'camera', 'checkout', 'dataDir', 'handlers', 'order', 'prices', 'printer'],
  ...['reader', 'readStation', 'scanner', 'stock', 'takeOnce', 'terminal'],
  ...['workflows', 'otelTracer', 'BatchSpanProcessor', 'OTLPTraceExporter'],
];
const readersTypes = ['Consent', 'Patient'];

/** Declarations of these, for the compiler: a name that is not among them is a mistake. */
export const givenFiles: Readonly<Record<string, string>> = {
  'given.d.ts': [
    ...Object.entries(ours).map(([name, type]) => {
      const [of, what = of] = type.includes(' ') ? type.split(' ') : ['', type];
      return `declare const ${name}: ${of} import('@holdfast/agent').${what};`;
    }),
    ...readers.map((name) => `declare const ${name}: any;`),
    ...readersTypes.map((name) => `type ${name} = any;`),
    `declare const test: typeof import('ava').default;`,
    `declare const readFile: typeof import('node:fs/promises').readFile;`,
    `declare module 'zod';`,
    '',
  ].join('\n'),
  'checkout.d.ts': 'export declare const checkout: any;\n',
};
