import test from 'ava';
import {
  codeOf,
  contextNamed,
  contextsPath,
  contextsText,
  noContexts,
  parseContexts,
  typedArgs,
  withContext,
  withCurrent,
  withoutContext,
  type Completable,
} from '@holdfast/protocol/base';

const command = (
  name: string,
  commands: readonly Completable[] = [],
  options: Completable['options'] = [],
): Completable => ({ name: () => name, commands, options, registeredArguments: [] });

const output = {
  ...{ long: '--output', short: '-o', required: true, optional: false },
  argChoices: ['text', 'json', 'md'],
};
const note = { long: '--note', required: true, optional: false };
const program = command('holdfast', [
  command('start'),
  command('status', [], [{ ...output, argChoices: ['text', 'json'] }]),
  command('workflow', [command('ls', [], [output, note]), command('show')]),
  { ...command('devices'), aliases: () => ['device', 'd'] },
  command('check', [], [{ ...output, long: '--format' }]),
]);

const typed = (line: string, env = {}): string =>
  typedArgs(program, line.split(' '), { env }).join(' ');

test('the beginning of a name stands for the command that has it', (t) => {
  t.is(typed('stat'), 'status');
  t.is(typed('w l --note s'), 'workflow ls --note s');
  t.is(typed('status sta'), 'status sta', 'an argument is no command');
  t.is(typed('device x'), 'devices x', 'another name of it');
  t.is(typed('nothing w'), 'nothing w', 'the parser tells of it');
  const error = t.throws(() => typed('sta'));
  t.is(codeOf(error), 'HF_USAGE');
  t.regex(error.message, /sta is the beginning of start, status/);
});

test('--json stands for -o json, where it is no value and behind no --', (t) => {
  t.is(typed('status --json'), 'status --output=json');
  t.is(typed('check --json'), 'check --format=json');
  t.is(typed('workflow ls --note --json'), 'workflow ls --note --json');
  t.is(typed('workflow ls -- --json'), 'workflow ls -- --json');
  t.is(typed('start --json'), 'start --json', 'the parser tells of it');
  t.is(typed('status -o json --json'), 'status -o json --output=json');
  for (const other of ['-o text', '--output=text']) {
    t.is(codeOf(t.throws(() => typed(`status --json ${other}`))), 'HF_USAGE', other);
  }
});

test('with LLMFORMAT tables are Markdown, unless another form is chosen', (t) => {
  const env = { LLMFORMAT: '1' };
  t.is(typed('workflow ls', env), 'workflow ls --output=md');
  t.is(typed('workflow ls -o json', env), 'workflow ls -o json');
  t.is(typed('workflow ls --json', env), 'workflow ls --output=json');
  t.is(typed('status', env), 'status');
});

test('a file of contexts is read as it was written', (t) => {
  const gateway = { url: 'https://gw.example:8080/', 'token-file': '/ci.token' };
  const made = withContext(noContexts, 'lab', { side: 'device', part: { socket: '/a.sock' } });
  const both = withContext(made, 'lab', { side: 'gateway', part: gateway });
  const all = withCurrent(withContext(both, 'b', { side: 'device', part: {} }), 'lab');

  t.deepEqual(parseContexts(contextsText(all), 'file'), all);
  t.deepEqual(contextNamed(all, 'lab'), { name: 'lab', device: { socket: '/a.sock' }, gateway });
  t.deepEqual(withoutContext(all, 'lab'), {
    current: null,
    contexts: [{ name: 'b', device: {}, gateway: null }],
  });
  t.is(codeOf(t.throws(() => withCurrent(all, 'c'))), 'HF_CONTEXT_UNKNOWN');
  for (const name of ['', 'a b', '__proto__', 'x'.repeat(65)]) {
    const wish = { side: 'device', part: {} } as const;
    t.is(codeOf(t.throws(() => withContext(all, name, wish))), 'HF_NAME_INVALID', name);
  }
});

test('what is no file of contexts names the file, and what is wrong with it', (t) => {
  const wrong = [
    ...['', '[]', 'null', '{}', '{"contexts":[]}', '{"current":1,"contexts":{}}'],
    ...['{"contexts":{"a":1}}', '{"contexts":{"a":{"device":[]}}}'],
    ...['{"contexts":{"a":{"device":{"token":"x"}}}}', '{"contexts":{"a":{"gateway":{"url":1}}}}'],
  ];
  for (const text of wrong) {
    const error = t.throws(() => parseContexts(text, '/some/file'), undefined, text);
    t.is(codeOf(error), 'HF_CONFIG_INVALID', text);
    t.regex(error.message, /\/some\/file/, text);
  }
});

test('contexts lie where the environment says that configuration lies', (t) => {
  t.is(contextsPath({ HOME: '/a' }), '/a/.config/holdfast/contexts.json');
  t.is(contextsPath({ HOME: '/a', XDG_CONFIG_HOME: '/c' }), '/c/holdfast/contexts.json');
  t.is(contextsPath({ XDG_CONFIG_HOME: 'relative' }), undefined);
});
