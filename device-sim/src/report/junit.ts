import { judged, verdictOf, type SimulationReport, type Telling } from './report.ts';

/** A report as JUnit XML, for those who collect results of tests: a case for each promise. */
export function junitOf(report: SimulationReport, { again, tookMs }: Telling): string {
  const { scenario, seed, violations, checked } = report;
  const suite = `holdfast-sim.${scenario}`;
  const cases = judged.map(([promise, what]) => {
    const broken = violations.filter((each) => each.promise === promise);
    const name = `${promise} ${what} (${checked[promise] ?? 0} looks)`;
    const failures = broken.map(({ device, what: why }) => failureOf(`${device}: ${why}`, again));
    const head = `    <testcase classname="${xml(suite)}" name="${xml(name)}" time="0">`;
    const isSkipped = verdictOf(report, promise) === 'not looked at';
    return [head, ...failures, ...(isSkipped ? ['<skipped/>'] : []), '    </testcase>'];
  });
  const others = violations.filter((each) => judged.every(([promise]) => promise !== each.promise));
  const more = others.map(({ promise, what }) => [
    `    <testcase classname="${xml(suite)}" name="${xml(promise)}" time="0">`,
    failureOf(what, again),
    '    </testcase>',
  ]);
  const tests = cases.length + more.length;
  const skipped = cases.filter((lines) => lines.includes('<skipped/>')).length;
  const failed = [...cases, ...more].filter((lines) => lines.length > 2).length - skipped;
  const counts = `tests="${tests}" failures="${failed}" errors="0" skipped="${skipped}"`;
  const time = `time="${(tookMs / 1_000).toFixed(3)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts} ${time}>`,
    `  <testsuite name="${xml(suite)}" ${counts} ${time}>`,
    '    <properties>',
    `      <property name="seed" value="${seed}"/>`,
    `      <property name="trace" value="${xml(report.digest)}"/>`,
    '    </properties>',
    ...[...cases, ...more].flat(),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function failureOf(what: string, again: string): string {
  return `      <failure message="${xml(what)}">${xml(`again: ${again}`)}</failure>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as XML and HTML have it. What neither may hold is left out. */
export function xml(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex -- these are what XML 1.0 cannot hold
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
      .replaceAll(/[&<>"']/g, (char) => entities[char] ?? '')
  );
}
