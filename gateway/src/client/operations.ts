// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
import type { AuditOperations } from './operations/audit.ts';
import type { BacklogOperations } from './operations/backlog.ts';
import type { CaOperations } from './operations/ca.ts';
import type { CallsOperations } from './operations/calls.ts';
import type { CommandsOperations } from './operations/commands.ts';
import type { DevicesOperations } from './operations/devices.ts';
import type { EnrollOperations } from './operations/enroll.ts';
import type { EnrolmentsOperations } from './operations/enrolments.ts';
import type { ExportOperations } from './operations/export.ts';
import type { LedgerOperations } from './operations/ledger.ts';
import type { MqttOperations } from './operations/mqtt.ts';
import type { PairOperations } from './operations/pair.ts';
import type { PairingsOperations } from './operations/pairings.ts';
import type { RenewOperations } from './operations/renew.ts';
import type { RotateOperations } from './operations/rotate.ts';
import type { RunsOperations } from './operations/runs.ts';
import type { ServicesOperations } from './operations/services.ts';
import type { SessionOperations } from './operations/session.ts';
import type { TokensOperations } from './operations/tokens.ts';
import type { UsersOperations } from './operations/users.ts';
import type { WebhooksOperations } from './operations/webhooks.ts';

/** Every operation of the API that answers with JSON, by its method and path. */
export interface Operations
  extends
    AuditOperations,
    BacklogOperations,
    CaOperations,
    CallsOperations,
    CommandsOperations,
    DevicesOperations,
    EnrollOperations,
    EnrolmentsOperations,
    ExportOperations,
    LedgerOperations,
    MqttOperations,
    PairOperations,
    PairingsOperations,
    RenewOperations,
    RotateOperations,
    RunsOperations,
    ServicesOperations,
    SessionOperations,
    TokensOperations,
    UsersOperations,
    WebhooksOperations {}
