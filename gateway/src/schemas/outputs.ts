import {
  answer,
  checkAnswer,
  contextOutputs,
  literal,
  nullable,
  object,
  ownOutputs,
  string,
  type Output,
} from '@holdfast/protocol/json-schema';
import * as access from '../io/http/schemas/access.ts';
import * as call from '../io/http/schemas/calls.ts';
import * as certificates from '../io/http/schemas/certificates.ts';
import * as command from '../io/http/schemas/commands.ts';
import * as fleet from '../io/http/schemas/fleet.ts';
import * as pairing from '../io/http/schemas/pairing.ts';
import * as ledger from '../io/http/schemas/ledger.ts';
import * as out from '../io/http/schemas/out.ts';
import * as own from './ledger-admin.ts';

const { devices: receipts } = command.commandDevicesAnswer.properties;

const commandShown = answer({
  ...{ ...command.commandAnswer.properties, schema: literal('holdfast.command-shown/1') },
  ...{ receipts, next: nullable(string()) },
});

const issued = answer({
  ...certificates.certificateAnswer.properties,
  files: answer({ certificate: string(), key: string(), ca: string() }),
});

const stuck = answer({
  ...{ schema: literal('holdfast.stuck/1'), at: fleet.devicesAnswer.properties.at },
  devices: fleet.devicesAnswer.properties.devices,
  runs: fleet.runsAnswer.properties.runs,
  calls: call.callsAnswer.properties.calls,
});

const heldEntry = object(
  { schema: literal('holdfast.held-entry/1'), ...ledger.heldEntry },
  {},
  fleet.ofKind,
);

const heldCommand = answer({ schema: literal('holdfast.held-command/1'), ...ledger.heldCommand });

const verbs = [
  'start',
  'signal',
  'cancel',
  'pause',
  'resume',
  'retry',
  'skip',
  'fork',
  'complete',
  'set',
  'new-key',
];
const issuing = verbs.map((verb) => `command ${verb}`);

/** What `holdfast-gateway` prints for programs, by the commands that print it. */
export const gatewayOutputs: readonly Output[] = [
  { schema: own.listening, commands: ['serve'] },
  { schema: fleet.devicesAnswer, commands: ['devices'] },
  { schema: fleet.deviceAnswer, commands: ['devices'] },
  { schema: fleet.fleetBacklogAnswer, commands: ['backlog'] },
  { schema: fleet.deviceBacklogAnswer, commands: ['backlog'] },
  { schema: stuck, commands: ['stuck'] },
  { schema: fleet.rekeyedAnswer, commands: ['rekey'] },
  { schema: fleet.revokedAnswer, commands: ['revoke'] },
  { schema: command.taggedAnswer, commands: ['tag'] },
  { schema: fleet.runsAnswer, commands: ['runs'] },
  { schema: fleet.entriesAnswer, commands: ['ledger entries'] },
  { schema: fleet.quarantineAnswer, commands: ['ledger quarantine'] },
  { schema: ledger.verifyAnswer, commands: ['ledger verify'] },
  { schema: ledger.erasureAnswer, commands: ['ledger erase'] },
  { schema: ledger.pruningsAnswer, commands: ['ledger prunings'] },
  { schema: ledger.erasuresAnswer, commands: ['ledger erasures'] },
  { schema: heldEntry, commands: ['ledger export'] },
  { schema: heldCommand, commands: ['ledger export'] },
  { schema: own.ledgerMigrate, commands: ['ledger migrate'] },
  { schema: own.ledgerCopy, commands: ['ledger copy'] },
  { schema: own.ledgerRebuild, commands: ['ledger rebuild'] },
  { schema: command.commandAnswer, commands: issuing },
  { schema: command.commandsAnswer, commands: ['command ls'] },
  { schema: commandShown, commands: ['command show'] },
  { schema: call.callsAnswer, commands: ['call ls'] },
  { schema: call.servicesAnswer, commands: ['call services'] },
  { schema: call.unparkedAnswer, commands: ['call requeue', 'call fail'] },
  { schema: out.exportedLine, commands: ['export'] },
  { schema: out.webhookMadeAnswer, commands: ['webhook add'] },
  { schema: out.webhooksAnswer, commands: ['webhook ls'] },
  { schema: out.webhookRemovedAnswer, commands: ['webhook remove'] },
  { schema: out.webhookTestedAnswer, commands: ['webhook test'] },
  { schema: out.webhookAnswer, commands: ['webhook enable'] },
  { schema: out.deadAnswer, commands: ['webhook dead'] },
  { schema: out.requeuedEventsAnswer, commands: ['webhook requeue'] },
  { schema: access.userAnswer, commands: ['user add', 'user set'] },
  { schema: access.userRemovedAnswer, commands: ['user rm'] },
  { schema: access.usersAnswer, commands: ['user ls'] },
  { schema: access.tokenMadeAnswer, commands: ['token create'] },
  { schema: access.tokenAnswer, commands: ['token revoke'] },
  { schema: access.tokensAnswer, commands: ['token ls'] },
  { schema: access.enrolmentMadeAnswer, commands: ['enroll create'] },
  { schema: access.enrolmentAnswer, commands: ['enroll revoke'] },
  { schema: access.enrolmentsAnswer, commands: ['enroll ls'] },
  { schema: access.auditAnswer, commands: ['audit'] },
  { schema: certificates.caAnswer, commands: ['ca init', 'ca show', 'ca rotate'] },
  { schema: issued, commands: ['ca issue'] },
  { schema: own.keysMoved, commands: ['keys export', 'keys import'] },
  { schema: pairing.pairingsAnswer, commands: ['pair ls'] },
  { schema: pairing.pairingDecided, commands: ['pair approve', 'pair deny'] },
  { schema: certificates.revocationsAnswer, commands: ['ca crl'] },
  { schema: checkAnswer, commands: ['check'] },
  ...contextOutputs,
  ...ownOutputs,
];
