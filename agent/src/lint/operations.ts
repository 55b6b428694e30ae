import type { Rule } from 'eslint';
import { WorkflowCode } from './workflow-code.ts';

/** What of a context a step may use: it begins nothing and draws nothing. */
const harmless: ReadonlySet<string> = new Set(['log', 'now']);

/** Flags the use of `ctx` in the body of a step. */
export const noNestedSteps: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: 'Begin no operations of a workflow inside a step.' },
    messages: {
      nested: 'ctx.{{name}}() in the body of a step is not replayed. Begin it beside the step.',
    },
    schema: [],
  },
  create(context) {
    const code = new WorkflowCode(context.sourceCode);
    return {
      CallExpression(node) {
        const name = code.operationOf(node);
        if (name === undefined || harmless.has(name) || code.zoneOf(node) !== 'step') return;
        context.report({ node, messageId: 'nested', data: { name } });
      },
    };
  },
};

/** Operations that end later. */
const awaited: ReadonlySet<string> = new Set([
  'step',
  'call',
  'sleep',
  'sleepUntil',
  'until',
  'child',
  'detach',
  'map',
  'continueAsNew',
  'shielded',
  'waitFor',
  'emit',
  'setStatus',
]);

/** Flags a promise of `ctx` that is dropped. `void` says that it is meant. */
export const awaitOperations: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: 'Await the operations of a workflow.' },
    messages: {
      dropped: 'ctx.{{name}}() is not awaited: the workflow goes on before it has ended, or fails.',
    },
    schema: [],
  },
  create(context) {
    const code = new WorkflowCode(context.sourceCode);
    return {
      ExpressionStatement(node) {
        const name = code.operationOf(rootOf(node.expression as Rule.Node));
        if (name === undefined || !awaited.has(name)) return;
        context.report({ node, messageId: 'dropped', data: { name } });
      },
    };
  },
};

/** The first call of a chain such as `ctx.step(…).then(…)`. */
function rootOf(expression: Rule.Node): Rule.Node {
  if (expression.type !== 'CallExpression') return expression;
  const { callee } = expression;
  const isChained =
    callee.type === 'MemberExpression' &&
    callee.object.type === 'CallExpression' &&
    callee.property.type === 'Identifier' &&
    (callee.property.name === 'then' || callee.property.name === 'finally');
  return isChained ? rootOf(callee.object as Rule.Node) : expression;
}
