import type { ESLint, Linter } from 'eslint';
import { globalsRule } from './globals.ts';
import { awaitOperations, noNestedSteps } from './operations.ts';

const rules = {
  'no-clock': globalsRule({
    description: 'Use ctx.now() in workflows.',
    instead: 'Use ctx.now(), or read the clock in a step.',
    functions: ['Date'],
    methods: ['Date.now', 'performance.now', 'process.hrtime', 'process.uptime'],
    bareClasses: ['Date'],
  }),
  'no-chance': globalsRule({
    description: 'Use ctx.random() and ctx.uuid() in workflows.',
    instead: 'Use ctx.random() or ctx.uuid().',
    methods: ['Math.random', 'crypto.randomUUID', 'crypto.getRandomValues'],
  }),
  'no-timers': globalsRule({
    description: 'Use ctx.sleep() in workflows.',
    instead: 'Use ctx.sleep(): it survives a restart.',
    functions: ['setTimeout', 'setInterval', 'setImmediate'],
  }),
  'no-requests': globalsRule({
    description: 'Make requests in steps.',
    instead: 'Put it into a step: its outcome is journaled there.',
    functions: ['fetch'],
  }),
  'no-environment': globalsRule({
    description: 'Read the environment in steps.',
    instead: 'Give it to the input, or read it in a step.',
    properties: ['process.env', 'process.argv'],
  }),
  'no-nested-steps': noNestedSteps,
  'await-operations': awaitOperations,
} satisfies ESLint.Plugin['rules'];

const plugin: ESLint.Plugin = { meta: { name: '@holdfast/agent' }, rules };

/** All rules as errors, for `eslint.config.js`. */
const recommended: Linter.Config = {
  name: 'holdfast/recommended',
  plugins: { holdfast: plugin },
  rules: Object.fromEntries(Object.keys(rules).map((name) => [`holdfast/${name}`, 'error'])),
};

/** What makes the replay of a workflow differ, found in its source. */
export default { ...plugin, configs: { recommended } };
