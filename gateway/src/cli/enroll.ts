import { durationMs, type Column } from '@holdfast/protocol';
import type { EnrolmentsView, EnrolmentView } from '../core/access/access-views.ts';
import { readTags } from './command-issue.ts';
import { withDesk, type SourceOptions } from './fleet-source.ts';
import { ago, table } from './tables.ts';
import { note, show, type Terminal } from './terminal.ts';

export interface EnrollOptions extends SourceOptions {
  readonly device?: string;
  readonly uses: number;
  readonly expires: string;
  readonly tag?: readonly string[];
  readonly address?: string;
}

/** Makes a token that enrols devices, and prints it: it is shown this once. */
export async function enrollCreate(options: EnrollOptions, terminal: Terminal): Promise<void> {
  const { device = null, uses, expires, address } = options;
  const tags = readTags(options.tag ?? []);
  const order = { device, uses, lifeMs: durationMs(expires), tags, address };
  const view = await withDesk(options, (desk) => desk.createEnrolment(order));
  // Alone on stdout, so that it can go to a file.
  show(terminal, view, () => view.token);
  const whom = view.device ?? `${view.uses} device${view.uses === 1 ? '' : 's'}`;
  note(terminal, `Enrols ${whom} until ${view.expiresAt}: holdfast enroll < token.txt`);
}

export async function enrollRevoke(
  id: string,
  options: SourceOptions,
  terminal: Terminal,
): Promise<void> {
  const view = await withDesk(options, (desk) => desk.revokeEnrolment(id));
  show(terminal, view, () => `The token ${view.id} enrols nobody any more.`);
}

const columns: readonly Column[] = [
  { title: 'id' },
  { title: 'for' },
  { title: 'state' },
  { title: 'used', align: 'right' },
  { title: 'expires' },
  { title: 'enrolled', drop: 1 },
  { title: 'by', drop: 2 },
];

export async function enrollLs(options: SourceOptions, terminal: Terminal): Promise<void> {
  const view = await withDesk(options, (desk) => desk.enrolments());
  show(terminal, view, () => enrolmentsText(view, terminal));
}

function enrolmentsText({ enrolments }: EnrolmentsView, terminal: Terminal): string {
  if (enrolments.length === 0) {
    return 'There are no tokens. Make one with `holdfast-gateway enroll create`.';
  }
  return table(
    terminal,
    columns,
    enrolments.map((each) => enrolmentRow(each, terminal)),
  );
}

function enrolmentRow(enrolment: EnrolmentView, terminal: Terminal) {
  return [
    { text: enrolment.id, tone: 'cyan' } as const,
    enrolment.device ?? 'any',
    enrolment.state,
    `${enrolment.enrolled.length}/${enrolment.uses}`,
    ago(terminal, enrolment.expiresAt),
    enrolment.enrolled.join(' ') || '-',
    enrolment.createdBy,
  ];
}
