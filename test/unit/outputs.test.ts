import test from 'ava';
import { checkOutput, programs } from '../support/output-schemas.ts';
import { allPrograms, leavesOf } from '../support/programs.ts';

/** Options that ask for JSON. */
const forPrograms = new Set(['--output', '--format', '--json']);
/** Print JSON and nothing else, or none: the shape of their output is their own. */
const always = new Set([
  ...['holdfast workflow export', 'holdfast store export', 'holdfast-gateway ledger export'],
  'holdfast store salvage',
]);

test('every command that prints JSON says which schemas it has', async (t) => {
  const printing: string[] = [];
  for (const [program, command] of await allPrograms()) {
    for (const { name, command: leaf } of leavesOf(command)) {
      const asks = leaf.options.some(({ long }) => forPrograms.has(long ?? ''));
      if (asks || always.has(`${program} ${name}`)) printing.push(`${program} ${name}`);
    }
  }
  const described = Object.entries(programs).flatMap(([program, outputs]) =>
    outputs.flatMap(({ commands }) => commands.map((each) => `${program} ${each}`)),
  );

  t.deepEqual([...new Set(described)].toSorted(), [...new Set(printing)].toSorted());
});

test('what is not as its schema says is found', (t) => {
  const outputs = programs['holdfast'] ?? [];
  const good = '{"schema":"holdfast.emitted/1","name":"n","lane":"normal"}';

  t.notThrows(() => checkOutput(outputs, `${good}\n${good}\n`));
  const bad = {
    'not published': '{"schema":"holdfast.nothing/1"}',
    'must have required property': '{"schema":"holdfast.emitted/1","name":"n"}',
    'must NOT have additional properties': good.replace('}', ',"more":1}'),
    'must be equal to one of the allowed values': good.replace('normal', 'fast'),
  };
  for (const [message, line] of Object.entries(bad)) {
    t.regex(t.throws(() => checkOutput(outputs, line))?.message ?? '', new RegExp(message));
  }
});
