import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { price, type Order } from './order.ts';

/** Where the kiosk keeps its orders and receipts: KIOSK_DIR, or `kiosk` where the agent runs. */
const kioskDir = process.env['KIOSK_DIR'] ?? 'kiosk';

/** What the kiosk has on file of an order. */
export interface Intake {
  readonly order: Order;
  /** The run that works on it. */
  readonly runId: string;
  /** RFC 3339. */
  readonly acceptedAt: string;
}

/**
 * Puts an order on file, once: whoever comes later with the same order id gets what is there.
 * Durable once it resolves.
 */
export async function takeOrder(order: Order, runId: string): Promise<Intake> {
  const intake: Intake = { order, runId, acceptedAt: new Date().toISOString() };
  const kept = await keepOnce(join(kioskDir, 'orders', `${order.id}.json`), JSON.stringify(intake));
  return JSON.parse(kept) as Intake; // Only this function writes these files, and each whole.
}

/** Prints the receipt of an order, once, and returns its text. Durable once it resolves. */
export async function printReceipt(order: Order, authorization: string): Promise<string> {
  const text = `${order.id}  ${order.quantity} x ${order.sku}  ${price(order)}  ${authorization}\n`;
  return keepOnce(join(kioskDir, 'receipts', `${order.id}.txt`), text);
}

/**
 * Makes a file unless it is there, and returns what it holds in either case.
 *
 * A step may run again after a crash, so its effect has to bear that. Here the file appears whole
 * or not at all, and the first one stays.
 */
async function keepOnce(path: string, text: string): Promise<string> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true });
  const draft = `${path}.${randomUUID()}.draft`;
  try {
    await writeDurably(draft, text);
    await link(draft, path); // Unlike a rename, this does not replace what is there.
  } catch (error) {
    if (!isNodeError(error) || error.code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  await syncDirectory(directory);
  return readFile(path, 'utf8');
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function isNodeError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error;
}
