/** What people and programs may do: each role may do all that those before it may. */
export const roles = ['viewer', 'operator', 'admin'] as const;

/**
 * `viewer` reads. `operator` changes what devices do: runs, commands, calls. `admin` decides who
 * may do what: users, tokens, keys of devices, and what is erased.
 */
export type Role = (typeof roles)[number];

export function allows(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

export function isRole(text: unknown): text is Role {
  return roles.some((role) => role === text);
}

/** Who asks for something. */
export interface Actor {
  /** `user:ola`, `token:ci`, or `local`: who may read the gateway's data directory. */
  readonly name: string;
  readonly role: Role;
}
