import { HoldfastError } from '../base/errors.ts';
import { sealKinds, type SealKind } from './sealed.ts';
import { readList, type KindReader } from './value-tree.ts';

/** What is said in the place of a content that is not at hand. */
const words: Readonly<Record<SealKind, string>> = {
  local: 'local',
  redacted: 'redacted',
  erasable: 'erased',
};

/** Sealed values as values: they tell people what leaves, and code nothing. */
export const sealedKinds: readonly KindReader[] = sealKinds.map((kind) => ({
  name: kind,
  revive() {
    throw new HoldfastError('HF_VALUE_SEALED', { why: `it is ${words[kind]}` });
  },
  show(content, show) {
    const [, size, shown] = readList(content);
    return kind === 'redacted' ? show(shown) : { $: words[kind], size: show(size) };
  },
}));
