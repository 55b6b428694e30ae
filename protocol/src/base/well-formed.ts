/** Methods of strings that the platform has and this version of the language does not name. */
interface Utf16Text {
  isWellFormed(): boolean;
  toWellFormed(): string;
}

/** Whether UTF-8 can carry the text: it has no half of a surrogate pair alone. */
export function isWellFormed(text: string): boolean {
  return (text as string & Utf16Text).isWellFormed();
}

/** The text with U+FFFD for each half of a surrogate pair alone. */
export function toWellFormed(text: string): string {
  return (text as string & Utf16Text).toWellFormed();
}
