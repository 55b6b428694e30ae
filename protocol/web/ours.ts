/** Whether an answer is one of ours: whatever stands between may answer with anything. */
export function isOurs(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null || !('schema' in answer)) return false;
  return typeof answer.schema === 'string' && answer.schema.startsWith('holdfast.');
}
