import type * as views from '@holdfast/agent/internal';
import type {
  BacklogView,
  Erased,
  HistoryView,
  JournalView,
  RunDetailView,
  RunsView,
  SchedulesView,
  StatusView,
} from '@holdfast/agent';
import type {
  programSchemas,
  runSchemas,
  statusSchemas,
  storeSchemas,
  verbSchemas,
} from '@holdfast/agent/internal';
import type { TypeOf } from '@holdfast/protocol/json-schema';
import { alike } from './api-schemas.ts';

/** What the agent prints has the types of its views, as its schemas say. Nothing here runs. */

alike<TypeOf<typeof statusSchemas.status>, StatusView>(true);
alike<TypeOf<typeof statusSchemas.backlog>, BacklogView>(true);
alike<TypeOf<typeof statusSchemas.nudged>, views.NudgedView>(true);
alike<TypeOf<typeof runSchemas.runs>, RunsView>(true);
alike<TypeOf<typeof runSchemas.run>, RunDetailView>(true);
alike<TypeOf<typeof runSchemas.history>, HistoryView>(true);
alike<TypeOf<typeof runSchemas.journal>, JournalView>(true);
alike<TypeOf<typeof runSchemas.schedules>, SchedulesView>(true);
alike<TypeOf<typeof programSchemas.logs>, views.LogsView>(true);
alike<TypeOf<typeof verbSchemas.forked>, views.ForkedView>(true);
alike<Omit<TypeOf<typeof verbSchemas.erased>, 'schema'>, Erased>(true);
alike<TypeOf<typeof storeSchemas.storeCheck>, views.StoreCheckView>(true);
alike<TypeOf<typeof storeSchemas.journalVerify>, views.JournalVerifyView>(true);
alike<TypeOf<typeof storeSchemas.storeSnapshot>, views.StoreSnapshotView>(true);
alike<TypeOf<typeof storeSchemas.storeRestore>, views.StoreRestoreView>(true);
alike<TypeOf<typeof storeSchemas.storeRekey>, views.StoreRekeyView>(true);
