import type * as views from '@holdfast/gateway/internal';
import type {
  accessSchemas as access,
  callSchemas as call,
  commandSchemas as command,
  outSchemas as out,
  fleetSchemas as fleet,
  ledgerSchemas as ledger,
} from '@holdfast/gateway/internal';
import type { TypeOf } from '@holdfast/protocol/json-schema';

/**
 * The schemas that describe answers have the types of the views that are answered. Checked by the
 * compiler with the rest of the tests; nothing here runs.
 */

/** Each field with whether it may be absent. */
type Frozen<T> = T extends readonly (infer I)[]
  ? readonly Frozen<I>[]
  : T extends object
    ? { readonly [K in keyof T]-?: readonly [Presence<T, K>, Frozen<Exclude<T[K], undefined>>] }
    : T;
type Presence<T, K extends keyof T> = object extends Pick<T, K> ? 'maybe' : 'always';

/** Whether each can stand for the other. */
type Alike<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
export function alike<A, B>(_alike: Alike<Frozen<A>, Frozen<B>>): void {}

alike<TypeOf<typeof fleet.devicesAnswer>, views.DevicesView>(true);
alike<TypeOf<typeof fleet.deviceAnswer>, views.DeviceDetailView>(true);
alike<TypeOf<typeof fleet.runsAnswer>, views.RunsView>(true);
alike<TypeOf<typeof fleet.valueAnswer>, views.ValueView>(true);
alike<TypeOf<typeof fleet.rekeyedAnswer>, views.RekeyedView>(true);
alike<TypeOf<typeof command.commandAnswer>, views.CommandView>(true);
alike<TypeOf<typeof command.commandsAnswer>, views.CommandsView>(true);
alike<TypeOf<typeof command.commandDevicesAnswer>, views.CommandDevicesView>(true);
alike<TypeOf<typeof call.callsAnswer>, views.CallsView>(true);
alike<TypeOf<typeof call.servicesAnswer>, views.ServicesView>(true);
alike<TypeOf<typeof call.unparkedAnswer>, views.UnparkedView>(true);
alike<TypeOf<typeof out.webhooksAnswer>, views.WebhooksView>(true);
alike<TypeOf<typeof out.webhookAnswer>, views.WebhookChangedView>(true);
alike<TypeOf<typeof out.webhookMadeAnswer>, views.WebhookMadeView>(true);
alike<TypeOf<typeof out.webhookRemovedAnswer>, views.WebhookRemovedView>(true);
alike<TypeOf<typeof out.webhookTestedAnswer>, views.WebhookTestedView>(true);
alike<TypeOf<typeof out.deadAnswer>, views.DeadEventsView>(true);
alike<TypeOf<typeof out.requeuedEventsAnswer>, views.RequeuedEventsView>(true);
alike<TypeOf<typeof ledger.pruningsAnswer>, views.PruningsView>(true);
alike<TypeOf<typeof command.taggedAnswer>, views.TaggedView>(true);
alike<TypeOf<typeof ledger.verifyAnswer>, views.VerifyView>(true);
alike<TypeOf<typeof ledger.erasureAnswer>, views.ErasureView>(true);
alike<TypeOf<typeof ledger.erasuresAnswer>, views.ErasuresView>(true);
alike<TypeOf<typeof access.usersAnswer>, views.UsersView>(true);
alike<TypeOf<typeof access.userAnswer>, views.UserDetailView>(true);
alike<TypeOf<typeof access.tokensAnswer>, views.TokensView>(true);
alike<TypeOf<typeof access.tokenMadeAnswer>, views.TokenMadeView>(true);
alike<TypeOf<typeof access.enrolmentsAnswer>, views.EnrolmentsView>(true);
alike<TypeOf<typeof access.enrolmentMadeAnswer>, views.EnrolmentMadeView>(true);
alike<TypeOf<typeof access.enrolledAnswer>, views.EnrolledView>(true);
alike<TypeOf<typeof access.auditAnswer>, views.AuditPageView>(true);
alike<TypeOf<typeof access.sessionAnswer>, views.SessionView>(true);

// An entry has the fields of its kind besides, which no schema names.
type Open<T> = Omit<T, 'entries'>;
alike<Open<TypeOf<typeof fleet.entriesAnswer>>, Open<views.EntriesView>>(true);
alike<Open<TypeOf<typeof ledger.heldAnswer>>, Open<views.HeldView>>(true);

// @ts-expect-error -- A view that has another field than its schema is found.
alike<TypeOf<typeof access.usersAnswer>, views.UsersView & { readonly more: string }>(true);
