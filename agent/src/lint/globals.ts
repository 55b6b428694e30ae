import type { Rule } from 'eslint';
import type { Identifier } from 'estree';
import { WorkflowCode, memberOf } from './workflow-code.ts';

/** What of the platform a workflow may not use, and what it has instead. */
export interface ForbiddenGlobals {
  readonly description: string;
  readonly instead: string;
  /** Functions, by name. */
  readonly functions?: readonly string[];
  /** Methods, as `Date.now`. */
  readonly methods?: readonly string[];
  /** Classes that may not be made without arguments. */
  readonly bareClasses?: readonly string[];
  /** Properties, as `process.env`. */
  readonly properties?: readonly string[];
}

/** A rule that flags the use of globals in the bodies of workflows; in steps they are welcome. */
export function globalsRule(forbidden: ForbiddenGlobals): Rule.RuleModule {
  const { description, instead } = forbidden;
  const { functions = [], methods = [], bareClasses = [], properties = [] } = forbidden;
  return {
    meta: {
      type: 'problem',
      docs: { description },
      messages: { forbidden: `{{name}} differs in a replay of this workflow. ${instead}` },
      schema: [],
    },
    create(context) {
      const code = new WorkflowCode(context.sourceCode);
      const check = (node: Rule.Node, name: Identifier, said: string): void => {
        if (!code.isGlobal(name) || code.zoneOf(node) !== 'workflow') return;
        context.report({ node, messageId: 'forbidden', data: { name: said } });
      };
      return {
        CallExpression(node) {
          const { callee } = node;
          if (callee.type === 'Identifier' && functions.includes(callee.name)) {
            check(node, callee, `${callee.name}()`);
          }
          const [object, method] = memberOf(node) ?? [];
          if (object !== undefined && methods.includes(`${object.name}.${method}`)) {
            check(node, object, `${object.name}.${method}()`);
          }
        },
        NewExpression(node) {
          const { callee } = node;
          if (callee.type !== 'Identifier' || node.arguments.length > 0) return;
          if (bareClasses.includes(callee.name)) check(node, callee, `new ${callee.name}()`);
        },
        MemberExpression(node) {
          const [object, property] = memberOf({ callee: node }) ?? [];
          if (object !== undefined && properties.includes(`${object.name}.${property}`)) {
            check(node, object, `${object.name}.${property}`);
          }
        },
      };
    },
  };
}
