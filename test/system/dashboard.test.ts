import test, { type ExecutionContext } from 'ava';
import { openPage, press } from '../support/browser.ts';
import { attend } from '../support/pages/attention-steps.ts';
import { meetBadAnswers } from '../support/pages/bad-answers.ts';
import { fillBadForms } from '../support/pages/bad-forms.ts';
import { tellDevice } from '../support/pages/command-steps.ts';
import * as devices from '../support/pages/device-steps.ts';
import * as drain from '../support/pages/drain-steps.ts';
import { enrolDevice } from '../support/pages/enrolment-steps.ts';
import { findDevices, goByKeys } from '../support/pages/find-steps.ts';
import { shapeFleet } from '../support/pages/fleet-steps.ts';
import { comeByHostileWays } from '../support/pages/hostile-ways.ts';
import { readLargeResult, readLongRun } from '../support/pages/large-run.ts';
import { lookAtDevice } from '../support/pages/own-page.ts';
import * as runs from '../support/pages/run-steps.ts';
import * as settings from '../support/pages/settings-steps.ts';
import { addUser, openShop } from '../support/pages/shop.ts';
import { checkPolicy, loseGateway } from '../support/pages/trouble-steps.ts';
import { pageLink, type Walk } from '../support/pages/walk.ts';
import { openTarget } from '../support/pages/webhook-target.ts';
import { hasProgram } from '../support/program.ts';

const isThere = hasProgram('chromium');
const closers: (() => unknown)[] = [];
let walk: Walk | undefined;

/** One browser, one gateway and one sign-in for all: each goes on with what the one before left. */
test.before(async () => {
  if (!isThere) return;
  const closing = { teardown: (close: () => unknown) => void closers.push(close) };
  const shop = await openShop(closing);
  await addUser(shop.gateway);
  const { page, complaints } = await openPage(shop.browser);
  const target = await openTarget(closing);
  target.answer = 422;
  walk = { ...shop, page, complaints, target };
});

test.after.always(async () => {
  for (const close of closers.toReversed()) await close();
});

/** Behind one that has failed, nothing is as the others expect it: they would wait in vain. */
function part(title: string, look: (t: ExecutionContext, at: Walk) => Promise<void>): void {
  const add = isThere ? test.serial : test.serial.skip;
  add(isThere ? title : `needs chromium: ${title}`, async (t) => {
    const at = walk;
    if (at === undefined) return t.fail('not looked at, since something before it has failed');
    walk = undefined;
    await look(t, at);
    walk = at;
  });
}

part('operators sign in, and a wrong password keeps the name that was typed', async (t, at) => {
  await drain.signInAtLast(t, at.page, at);
  // What takes its time goes on meanwhile.
  await drain.cutLink(at.page, at);
});

part('the device shows its own page, read-only, with what has not arrived', lookAtDevice);

part('a webhook is added, and a wrong one is refused', async (t, { page, target }) => {
  await pageLink(page, 'Settings').click();
  await settings.addWebhook(t, page, target.url);
});

part('a device enrols with a token, and another one by the words that it shows', (t, at) =>
  enrolDevice(t, at.page, at),
);

part('a device is seen to go offline, and to drain when it is back', async (t, at) => {
  await drain.seeDrain(t, at.page, at);
  await drain.seeCatchUp(t, at.page);
});

part('the timeline of a run has its waits drawn short and its outages banded', (t, { page }) =>
  runs.readRun(t, page),
);

part('a device shows its connectivity, its lanes, and every tab of it', devices.readDevice);

part('what needs somebody is one line a cause; a stuck run is retried', (t, at) =>
  attend(t, at.page, at),
);

part('a device is sent commands, and does them', (t, at) => tellDevice(t, at.page, at));

part('the buttons of a device tell it things, and keep what was typed', devices.pressButtons);

part('of a long list what is seen is drawn', (t, { page }) => runs.scrollFar(t, page));

part('devices are found by name, tags, state and version, and taken along', async (t, at) => {
  await findDevices(t, at.page);
  await shapeFleet(t, at.page);
});

part('all is come to by the keyboard', (t, { page }) => goByKeys(t, page));

part('the ledger and the runs are narrowed', async (t, { page }) => {
  await settings.browseLedger(t, page);
  await runs.browseRuns(t, page);
});

part('every button of a webhook does what it says', async (t, at) => {
  await pageLink(at.page, 'Settings').click();
  await settings.tendWebhook(t, at.page, at);
});

part('users and tokens for programs are made and ended', async (t, { page, link }) => {
  // The device is away meanwhile, for what comes behind.
  link.setMode('cut');
  await settings.letIn(t, page);
});

part('a device that is lost is revoked by the second press', (t, { page }) =>
  devices.revokeDevice(t, page),
);

part('what is told to a device that is offline is queued, and in words', devices.tellAway);

part('pages run what their gateway serves, and nothing else', async (t, at) => {
  await checkPolicy(t, at);
  t.deepEqual(at.complaints, []);
});

part('a run of ten thousand steps and a result of a megabyte can be read', async (t, at) => {
  await readLongRun(t, at);
  await readLargeResult(t, at);
  await runs.readOldRun(at.page, at);
});

part('whatever address is asked for, something is shown, as text', (t, at) =>
  comeByHostileWays(t, at.page, at),
);

part('every form refuses what is wrong, hostile or enormous, and keeps it', async (t, { page }) => {
  await fillBadForms(t, page);
});

part('whatever a gateway answers, no page is blank, and it goes on behind it', (t, { page }) =>
  meetBadAnswers(t, page, [
    ...(['#/', '#/attention', '#/commands', '#/ledger', '#/enrolment', '#/settings'] as const).map(
      (hash) => [hash, /./] as const,
    ),
    ['#/devices/till-1', /./],
    ['#/devices/till-1/runs/S-1', /./],
    ['#/commands/some', /./],
    ['#/runs', /^S-1$/],
  ]),
);

part('a session that ends and a gateway that is away lose nothing typed', async (t, at) => {
  await loseGateway(t, at.page, at);
  // The browser itself says what was not found, and what did not answer.
  const own = at.complaints.filter((text) => !text.startsWith('Failed to load resource'));
  t.deepEqual(own, []);
  await press(at.page, 'Sign out');
  await at.page.getByLabel('Password').waitFor();
});
