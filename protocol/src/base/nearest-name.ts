/** More edits than this are another word. */
const EDITS_MAX = 3;

/** The name that was most likely meant; `undefined`: none is near. */
export function nearestName(typed: string, names: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let least = Math.min(EDITS_MAX, Math.floor(typed.length / 2)) + 1;
  for (const name of names) {
    // What is longer by more needs more edits than count, and is not compared.
    if (Math.abs(name.length - typed.length) >= least) continue;
    const edits = editsBetween(typed, name);
    if (edits < least) [nearest, least] = [name, edits];
  }
  return nearest;
}

/** Letters to add, leave out, change, or swap with the next, to make one word of the other. */
function editsBetween(from: string, to: string): number {
  let before: readonly number[] = [];
  let above = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const change = from[row - 1] === to[column - 1] ? 0 : 1;
      const isSwap =
        row > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      line.push(
        Math.min(
          (above[column] ?? Infinity) + 1,
          (line[column - 1] ?? Infinity) + 1,
          (above[column - 1] ?? Infinity) + change,
          isSwap ? (before[column - 2] ?? Infinity) + 1 : Infinity,
        ),
      );
    }
    [before, above] = [above, line];
  }
  return above[to.length] ?? Infinity;
}
