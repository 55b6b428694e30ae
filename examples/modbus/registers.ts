import { connect } from 'node:net';

/** Where registers are, and which. */
export interface Registers {
  readonly host: string;
  /** Default 502. */
  readonly port?: number;
  /** The device behind a converter, 0 to 255. */
  readonly unit: number;
  readonly first: number;
  /** 1 to 125. */
  readonly count: number;
}

const READ_HOLDING = 3;
/** Transaction, protocol, length and unit. */
const HEAD_BYTES = 7;

/**
 * Reads holding registers over Modbus TCP, on a connection of its own. Each is 0 to 65535.
 *
 * @throws Error for a device that is not reached, hangs up, or refuses; when the signal aborts.
 */
export function readRegisters(
  { host, port = 502, unit, first, count }: Registers,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const question = Buffer.alloc(HEAD_BYTES + 5);
  question.writeUInt16BE(6, 4);
  question.writeUInt8(unit, 6);
  question.writeUInt8(READ_HOLDING, HEAD_BYTES);
  question.writeUInt16BE(first, HEAD_BYTES + 1);
  question.writeUInt16BE(count, HEAD_BYTES + 3);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal }, () => socket.write(question));
    let answer = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${host} hung up`)));
    socket.on('data', (part) => {
      answer = Buffer.concat([answer, part]);
      if (answer.length < 6 || answer.length < 6 + answer.readUInt16BE(4)) return;
      try {
        resolve(valuesIn(answer, count));
      } catch (error) {
        reject(error);
      }
      socket.destroy();
    });
  });
}

function valuesIn(answer: Buffer, count: number): readonly number[] {
  const [kind, next] = answer.subarray(HEAD_BYTES);
  if (kind === (READ_HOLDING | 0x80)) throw new Error(`the device refuses: exception ${next}`);
  if (kind !== READ_HOLDING || next !== 2 * count) throw new Error('this is no answer to that');
  return Array.from({ length: count }, (_, index) =>
    answer.readUInt16BE(HEAD_BYTES + 2 + 2 * index),
  );
}
