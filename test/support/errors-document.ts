import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorCatalogue, type ErrorSpec, type Retry } from '@holdfast/protocol';

/** From `test/dist/support`, where this runs once it is compiled. */
export const errorsDocumentUrl = new URL('../../../docs/ERRORS.md', import.meta.url);

const advice: Readonly<Record<Retry, string>> = {
  later: 'Later: the same may succeed.',
  never: 'No: the same fails again until something is changed.',
  restart: 'After a restart of the process.',
};

function section([code, { message, retry, hint }]: readonly [string, ErrorSpec]): string {
  return `### ${code}

${message}.

- **Try again?** ${advice[retry]}
- **What to do:** ${hint}
`;
}

/** The text of `docs/ERRORS.md`: every code of the catalogue, in the order of the alphabet. */
export function errorsDocument(): string {
  const sections = Object.entries<ErrorSpec>(errorCatalogue)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(section);
  return `# Errors

Every failure that Holdfast expects has a code. Codes are API: they are never renamed, and one that
is no longer used is never given another meaning. Messages may change: branch on \`error.code\`, or
on \`error.retry\`, which is \`later\`, \`never\` or \`restart\`. \`error.why\` says what exactly
was wrong, \`error.hint\` what may be done, \`error.details\` has the values behind both, and
\`error.cause\` the failure beneath. A command line prints error, cause and hint on three lines and
no stack.

This page is made from the catalogue in \`protocol/src/base/errors\`. After a build,
\`node test/dist/support/errors-document.js\` writes it anew.

${sections.join('\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(errorsDocumentUrl, errorsDocument());
}
