import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { agentOutputs } from '@holdfast/agent/internal';
import { gatewayOutputs } from '@holdfast/gateway/internal';
import { simOutputs } from '@holdfast/device-sim/internal';
import type { Output } from '@holdfast/protocol/json-schema';

/** `holdfast.status/1`, for example. */
export function nameOf({ schema }: Output): string {
  return String(schema.properties.schema['const']);
}

/** The commands of each program, and what they print for other programs. */
export const programs: Readonly<Record<string, readonly Output[]>> = {
  holdfast: agentOutputs,
  'holdfast-gateway': gatewayOutputs,
  'holdfast-sim': simOutputs,
};

const checks = new Map<string, ValidateFunction>();

/**
 * Holds what a program printed against its schemas: every object with a name and a version must be
 * one that is published, with all its fields and no others.
 *
 * @throws Error saying what is not as it is published.
 */
export function checkOutput(outputs: readonly Output[], stdout: string): void {
  for (const value of objectsIn(stdout)) {
    const { schema: name } = value;
    if (typeof name !== 'string') continue;
    const output = outputs.find((each) => nameOf(each) === name);
    if (output === undefined) throw new Error(`${name} is not published`);
    const check = checks.get(name) ?? compile(output);
    checks.set(name, check);
    if (check(value)) continue;
    const faults = (check.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
    throw new Error(`${name} is not as it is published: ${faults.join('; ')}`);
  }
}

type Printed = Readonly<Record<string, unknown>>;

/** The whole text as one object, or each line that is one. */
export function objectsIn(text: string): readonly Printed[] {
  const each = [text, ...text.split('\n')].map(parse);
  const [whole, ...lines] = each;
  return (whole === undefined ? lines : [whole]).filter((value) => value !== undefined);
}

function parse(text: string): Printed | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Printed;
  } catch {
    return undefined;
  }
}

function compile({ schema }: Output): ValidateFunction {
  const ajv = new Ajv2020({ allErrors: true, formats: { 'date-time': true, device: true } });
  return ajv.compile(closed(schema) as object);
}

/** A reader takes fields that it does not know; here they would be fields that nobody described. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, each]) => [key, closed(each)]),
  );
  const isOpen = !('properties' in inner) || 'additionalProperties' in inner;
  return isOpen ? inner : { ...inner, additionalProperties: false };
}
