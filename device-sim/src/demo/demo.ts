import { wantsColor } from '@holdfast/protocol';
import { setUp, type Bench } from './bench.ts';
import { createNarrator } from './narrator.ts';
import { makeReport, reportText, type DemoReport } from './report.ts';
import { tellStory } from './story.ts';

export interface DemoOptions {
  readonly orders: number;
  /** One JSON object at the end, and nothing else, on stdout; the story goes to stderr. */
  readonly json: boolean;
  /** Leave everything running until Ctrl-C, and the data where it is. */
  readonly keep: boolean;
}

/** Runs the demo. @returns Whether everything held. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const out = options.json ? process.stderr : process.stdout;
  const start = performance.now();
  const elapsedMs = (): number => performance.now() - start;
  const narrator = createNarrator({
    write: (text) => out.write(text),
    isTerminal: out.isTTY === true,
    color: wantsColor(out, process.env),
    elapsedMs,
  });
  narrator.print('A kiosk sells through an outage, a killed agent and a killed gateway.\n');
  const bench = await setUp(options.orders);
  try {
    const told = await tellStory(bench, narrator);
    const report = await makeReport(bench, told, elapsedMs() / 1_000);
    narrator.print(reportText(report, options.orders));
    if (options.keep) await keepUntilInterrupted(bench, (text) => narrator.print(text));
    printJson(options, report);
    return report.ok;
  } finally {
    await bench.close(options.keep);
  }
}

function printJson(options: DemoOptions, report: DemoReport): void {
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
}

async function keepUntilInterrupted(bench: Bench, print: (text: string) => void): Promise<void> {
  print(
    [
      '',
      'Left running; Ctrl-C ends it. Look at:',
      `  npx holdfast-gateway devices --data-dir ${bench.dir}/gateway`,
      `  npx holdfast status --data-dir ${bench.dir}/device`,
      `  npx holdfast workflow ls --all --data-dir ${bench.dir}/device`,
      `  npx holdfast-gateway ledger entries --device kiosk-7 --data-dir ${bench.dir}/gateway`,
      `  ${bench.paymentUrl}/charges`,
    ].join('\n'),
  );
  await new Promise<void>((resolve) => process.once('SIGINT', resolve));
}
