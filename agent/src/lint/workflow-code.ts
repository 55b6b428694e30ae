import type { Rule, Scope, SourceCode } from 'eslint';
import type { CallExpression, Function as FunctionNode, Identifier } from 'estree';

type Node = Rule.Node;

/** Where code runs: again in every replay, once as the body of a step, or not in a workflow. */
export type Zone = 'workflow' | 'step' | 'none';

/** What runs once, or not in the course of the workflow: its outcome is journaled. */
const bodyTakers: ReadonlySet<string> = new Set(['step', 'until']);
/** Operations whose functions are given a context of their own, and at which place. */
const innerContexts: ReadonlyMap<string, readonly [argument: number, parameter: number]> = new Map([
  ['scope', [0, 0]],
  ['shielded', [0, 0]],
  ['map', [1, 1]],
]);

/** Tells what of one file is the code of workflows. */
export class WorkflowCode {
  readonly #source: SourceCode;
  readonly #importsAgent: boolean;

  constructor(source: SourceCode) {
    this.#source = source;
    this.#importsAgent = source.ast.body.some(
      (node) => node.type === 'ImportDeclaration' && node.source.value === '@holdfast/agent',
    );
  }

  zoneOf(node: Node): Zone {
    for (let at: Node | null = node; at !== null; at = at.parent) {
      if (!isFunction(at)) continue;
      if (this.#isStepBody(at)) return 'step';
      if (this.isWorkflowBody(at) || this.#isHelper(at)) return 'workflow';
    }
    return 'none';
  }

  /** Whether a function is what `workflow(name, …)` is given. */
  isWorkflowBody(node: Node): boolean {
    const named = isDeclared(node) ? this.#referencesTo(node) : [node];
    return named.some((each) => {
      const call = each.parent;
      return (
        call?.type === 'CallExpression' &&
        call.arguments[1] === each &&
        call.callee.type === 'Identifier' &&
        call.callee.name === 'workflow'
      );
    });
  }

  /** The operation that a call begins: `step` for `ctx.step(…)`; `undefined`: none. */
  operationOf(node: Node): string | undefined {
    if (node.type !== 'CallExpression') return undefined;
    const { callee } = node;
    if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') {
      return undefined;
    }
    const isOurs = callee.object.type === 'Identifier' && this.isContext(callee.object);
    return isOurs && !callee.computed ? callee.property.name : undefined;
  }

  /** Whether a name stands for the context of a workflow. */
  isContext(name: Identifier): boolean {
    const definition = this.#variable(name)?.defs[0];
    if (definition?.type !== 'Parameter') return false;
    const owner = definition.node as Node;
    if (!isFunction(owner)) return false;
    const place = owner.params.findIndex(
      (parameter) => parameter.type === 'Identifier' && parameter.name === name.name,
    );
    if (place === 0 && (this.isWorkflowBody(owner) || this.#isHelper(owner))) return true;
    return this.#isInnerContext(owner, place);
  }

  /** Whether a name is the one of the platform, and not something of the file's own. */
  isGlobal(name: Identifier): boolean {
    return (this.#variable(name)?.defs.length ?? 0) === 0;
  }

  /** A function that a workflow calls with its context, in a file that has to do with us. */
  #isHelper(node: FunctionNode & Node): boolean {
    const [first] = node.params;
    return this.#importsAgent && first?.type === 'Identifier' && first.name === 'ctx';
  }

  #isInnerContext(owner: Node, place: number): boolean {
    const call = owner.parent;
    if (call?.type !== 'CallExpression') return false;
    const [argument, parameter] = innerContexts.get(this.operationOf(call) ?? '') ?? [];
    return parameter === place && argument !== undefined && call.arguments[argument] === owner;
  }

  /** A function somewhere in the arguments of `ctx.step` or `ctx.until`. */
  #isStepBody(node: Node): boolean {
    for (let at: Node | null = node.parent; at !== null; at = at.parent) {
      if (at.type === 'CallExpression') return bodyTakers.has(this.operationOf(at) ?? '');
      if (at.type !== 'ObjectExpression' && at.type !== 'Property') return false;
    }
    return false;
  }

  #referencesTo(node: Node): Node[] {
    const [variable] = this.#source.scopeManager.getDeclaredVariables(declarationOf(node));
    return (variable?.references ?? []).map(({ identifier }) => identifier as Node);
  }

  #variable(name: Identifier): Scope.Variable | undefined {
    for (
      let scope: Scope.Scope | null = this.#source.getScope(name);
      scope !== null;
      scope = scope.upper
    ) {
      const variable = scope.set.get(name.name);
      if (variable !== undefined) return variable;
    }
    return undefined;
  }
}

function isFunction(node: Node): node is FunctionNode & Node {
  return (
    node.type === 'ArrowFunctionExpression' ||
    node.type === 'FunctionExpression' ||
    node.type === 'FunctionDeclaration'
  );
}

/** A function with a name by which it is handed on. */
function isDeclared(node: Node): boolean {
  return node.type === 'FunctionDeclaration' || node.parent?.type === 'VariableDeclarator';
}

function declarationOf(node: Node): Node {
  return node.type === 'FunctionDeclaration' ? node : (node.parent ?? node);
}

/** `Date.now` of `Date.now()`, where both are plain names. */
export function memberOf(
  call: Pick<CallExpression, 'callee'>,
): readonly [Identifier, string] | undefined {
  const { callee } = call;
  if (callee.type !== 'MemberExpression' || callee.computed) return undefined;
  const { object, property } = callee;
  if (object.type !== 'Identifier' || property.type !== 'Identifier') return undefined;
  return [object, property.name];
}
