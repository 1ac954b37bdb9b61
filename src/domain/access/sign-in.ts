/** People who sign in at an identity provider (OpenID Connect): who they are here follows from what it says of them. */

import { ROLES, type Role } from './access.js';

export interface SignInSettings {
  /** Address of the identity provider, as its discovery document names it. */
  readonly issuer: string;
  readonly clientId: string;
  /** null: a public client. */
  readonly clientSecretFile: string | null;
  /** Origin at which browsers reach this server. */
  readonly publicUrl: string;
  /** Separated by spaces; `openid` is among them. */
  readonly scope: string;
  readonly nameClaim: string;
  readonly roleClaim: string;
  /** Values of the role claim that give each role. */
  readonly roles: Readonly<Record<Role, readonly string[]>>;
  /** null: a key of this process alone. */
  readonly cookieKeyFile: string | null;
  /** How long somebody stays signed in. */
  readonly hours: number;
}

/** What an identity provider says of somebody. */
export type Claims = Readonly<Record<string, unknown>>;

/** When several fit, the first of these counts. */
const BY_POWER: readonly Role[] = ['administrator', 'operator', 'restorer', 'viewer'];

/** null: nothing that is said of him gives him a role. */
export function roleOfClaims(
  claims: Claims,
  { roleClaim, roles }: Pick<SignInSettings, 'roleClaim' | 'roles'>,
): Role | null {
  const value = claimAt(claims, roleClaim);
  const held: readonly unknown[] = Array.isArray(value) ? value : [value];
  return BY_POWER.find((role) => roles[role].some((wanted) => held.includes(wanted))) ?? null;
}

const MAX_NAME_LENGTH = 100;

/** Of the name claim; of the subject, which is never missing, when there is none. */
export function nameOfClaims(
  claims: Claims,
  { nameClaim }: Pick<SignInSettings, 'nameClaim'>,
  subject: string,
): string {
  const value = claimAt(claims, nameClaim);
  const name = typeof value === 'string' ? value.replaceAll(/\p{Cc}/gu, '').trim() : '';
  return (name === '' ? subject : name).slice(0, MAX_NAME_LENGTH);
}

/** By its whole name, which may hold dots, or as a path (`realm_access.roles`). */
export function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name.split('.').reduce<unknown>((section, part) => {
    const isSection = typeof section === 'object' && section !== null;
    return isSection && Object.hasOwn(section, part) ? (section as Claims)[part] : undefined;
  }, claims);
}

/** Whether some value gives some role: without one nobody could ever sign in. */
export function givesAnyRole(roles: SignInSettings['roles']): boolean {
  return ROLES.some((role) => roles[role].length > 0);
}
