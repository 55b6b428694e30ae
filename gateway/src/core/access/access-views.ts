import type { Role } from './roles.ts';

/** What the HTTP API serves and the command line prints of users, tokens and the audit log. */

export interface UserView {
  readonly name: string;
  readonly role: Role;
  readonly createdAt: string | null;
  readonly createdBy: string;
  /** When the password or the role was changed last. */
  readonly changedAt: string | null;
}

export interface UsersView {
  readonly schema: 'holdfast.users/1';
  readonly at: string;
  readonly users: readonly UserView[];
}

export interface UserDetailView extends UserView {
  readonly schema: 'holdfast.user/1';
  readonly at: string;
}

export interface UserRemovedView {
  readonly schema: 'holdfast.user-removed/1';
  readonly at: string;
  readonly name: string;
}

export interface TokenView {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly state: 'valid' | 'expired' | 'revoked';
  readonly createdAt: string | null;
  readonly createdBy: string;
  /** `null`: never. */
  readonly expiresAt: string | null;
  /** `null`: it was not. */
  readonly revokedAt: string | null;
}

export interface TokensView {
  readonly schema: 'holdfast.tokens/1';
  readonly at: string;
  readonly tokens: readonly TokenView[];
}

export interface TokenDetailView extends TokenView {
  readonly schema: 'holdfast.token/1';
  readonly at: string;
}

export interface TokenMadeView extends TokenView {
  readonly schema: 'holdfast.token-made/1';
  readonly at: string;
  /** What to show to the API. It is nowhere to be seen again. */
  readonly token: string;
}

/** A token that enrols devices. */
export interface EnrolmentView {
  readonly id: string;
  /** The device that it is for; `null`: any that the gateway does not know yet. */
  readonly device: string | null;
  readonly uses: number;
  /** Ids of the devices that it has enrolled. */
  readonly enrolled: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly state: 'valid' | 'used' | 'expired' | 'revoked';
  readonly createdAt: string | null;
  readonly createdBy: string;
  readonly expiresAt: string | null;
}

export interface EnrolmentsView {
  readonly schema: 'holdfast.enrolments/1';
  readonly at: string;
  readonly enrolments: readonly EnrolmentView[];
}

export interface EnrolmentDetailView extends EnrolmentView {
  readonly schema: 'holdfast.enrolment/1';
  readonly at: string;
}

export interface EnrolmentMadeView extends EnrolmentView {
  readonly schema: 'holdfast.enrolment-made/1';
  readonly at: string;
  /** For `holdfast enroll` on the device. It is nowhere to be seen again. */
  readonly token: string;
}

/** What a device is told that was enrolled. */
export interface EnrolledView {
  readonly schema: 'holdfast.enrolled/1';
  readonly at: string;
  readonly device: string;
  /** The gateway's key: SPKI in hex. */
  readonly publicKey: string;
  /** Where it connects to. */
  readonly mqtt: string;
  /** PEM: what it is to trust of that; `null`: what its system trusts. */
  readonly ca: string | null;
  /** PEM: what it shows there, for its own key. */
  readonly certificate: string;
}

/** What a device is told whose certificate was renewed. */
export interface RenewedView {
  readonly schema: 'holdfast.renewed/1';
  readonly at: string;
  readonly device: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM: what it is to trust from now on; `null`: what its system trusts. */
  readonly ca: string | null;
  /** Of `renewedStatement`, by the gateway's key, in hex. */
  readonly signature: string;
}

export interface EnrolmentOrder {
  /** `null`: any that is not known yet. */
  readonly device: string | null;
  readonly uses: number;
  readonly lifeMs: number;
  readonly tags: Readonly<Record<string, string>>;
  /** URL of the HTTP API, as devices reach it. Default: as the gateway listens. */
  readonly address?: string | undefined;
}

export interface AuditView {
  /** Orders by time; the `before` of the next page. */
  readonly id: string;
  readonly at: string | null;
  readonly who: string;
  /** Network address; empty: from the machine of the gateway, without the network. */
  readonly from: string;
  readonly action: string;
  readonly target: string;
  /** `begun`: the gateway ended before it could tell. */
  readonly outcome: 'begun' | 'done' | 'denied' | 'failed';
  /** Why it was not done; `null`: it was, or nobody knows. */
  readonly code: string | null;
  readonly endedAt: string | null;
}

export interface AuditPageView {
  readonly schema: 'holdfast.audit/1';
  readonly at: string;
  /** The newest first. */
  readonly records: readonly AuditView[];
  /** `before` of the next page; `null`: there is none. */
  readonly next: string | null;
}

/** A session of a user, for a browser. */
export interface SessionView {
  readonly schema: 'holdfast.session/1';
  readonly at: string;
  readonly who: string;
  readonly role: Role;
  /** `null`: it does not end by itself. */
  readonly expiresAt: string | null;
}

export interface UserChange {
  readonly role?: Role | undefined;
  readonly password?: string | undefined;
}

export interface TokenOrder {
  readonly name: string;
  readonly role: Role;
  /** How long it is valid, ms; `null`: until it is revoked. */
  readonly lifeMs: number | null;
}

export interface AuditQuery {
  /** `next` of the page before. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Decides who may use the gateway. */
export interface AccessDesk {
  users(): Promise<UsersView>;
  /** @throws HF_USER_THERE, HF_PASSWORD_INVALID, HF_NAME_INVALID. */
  addUser(user: {
    readonly name: string;
    readonly role: Role;
    readonly password: string;
  }): Promise<UserDetailView>;
  /** Ends the sessions of the user, where the password is changed. @throws HF_USER_UNKNOWN */
  changeUser(name: string, change: UserChange): Promise<UserDetailView>;
  /** Ends the sessions of the user, too. @throws HF_USER_UNKNOWN */
  removeUser(name: string): Promise<UserRemovedView>;
  tokens(): Promise<TokensView>;
  /** The answer is the only one that has the token itself. @throws HF_NAME_INVALID */
  createToken(order: TokenOrder): Promise<TokenMadeView>;
  /** By its id. @throws HF_API_TOKEN_UNKNOWN */
  revokeToken(id: string): Promise<TokenDetailView>;
  enrolments(): Promise<EnrolmentsView>;
  /** The answer is the only one that has the token itself. @throws HF_REQUEST_INVALID */
  createEnrolment(order: EnrolmentOrder): Promise<EnrolmentMadeView>;
  /** By its id: devices that it has enrolled stay. @throws HF_API_TOKEN_UNKNOWN */
  revokeEnrolment(id: string): Promise<EnrolmentDetailView>;
  audit(query: AuditQuery): Promise<AuditPageView>;
}
