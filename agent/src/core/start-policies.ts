/** What a start under the id of a run that has not ended does. */
export const conflictPolicies = ['attach', 'reject', 'terminate'] as const;
export type ConflictPolicy = (typeof conflictPolicies)[number];

/** What a start under the id of a run that has ended does. */
export const reusePolicies = ['attach', 'reject', 'failed-only', 'allow-duplicate'] as const;
export type ReusePolicy = (typeof reusePolicies)[number];
