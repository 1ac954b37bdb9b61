/** People who sign in with a browser. The cookie says who they are; nothing of it is kept here but which were ended before their time. */

import { randomUUID } from 'node:crypto';
import type { Request } from 'express';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { ROLES, type Caller } from '../../domain/access/access.js';
import { BackupError } from '../../domain/errors.js';
import { nameOfClaims, roleOfClaims, type SignInSettings } from '../../domain/access/sign-in.js';
import type { IdentityProvider } from './identity-provider.js';
import type { CookieKind, SealedCookies } from './sealed-cookies.js';
import { HOUR_MS } from '../../domain/elapsed.js';

export const SIGN_IN_PATH = '/sign-in';
export const CALLBACK_PATH = '/sign-in/callback';

const personSchema = z.object({
  jti: z.string(),
  sub: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
});
const attemptSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  to: z.string(),
});

const ATTEMPT: CookieKind<z.infer<typeof attemptSchema>> = {
  name: 'longhaul-sign-in',
  schema: attemptSchema,
  sameSite: 'Lax',
  lifetimeMs: 10 * 60_000,
};

const REMEMBERED_ENDS = 10_000;
const READING = ['GET', 'HEAD'];

interface SignInParts {
  readonly settings: SignInSettings;
  readonly provider: IdentityProvider;
  readonly cookies: SealedCookies;
}

/** Where the browser goes next, and the values of `Set-Cookie` that it takes along. */
export interface Onward {
  readonly location: string;
  readonly cookies: readonly string[];
}

export class SignIn {
  readonly #settings: SignInSettings;
  readonly #provider: IdentityProvider;
  readonly #cookies: SealedCookies;
  readonly #person: CookieKind<z.infer<typeof personSchema>>;
  /** By id. A process that starts anew has forgotten them, and its key with them unless the configuration has one. */
  readonly #ended = new LRUCache<string, true>({ max: REMEMBERED_ENDS });

  constructor({ settings, provider, cookies }: SignInParts) {
    this.#settings = settings;
    this.#provider = provider;
    this.#cookies = cookies;
    this.#person = {
      name: 'longhaul-person',
      schema: personSchema,
      sameSite: 'Strict',
      lifetimeMs: settings.hours * HOUR_MS,
    };
  }

  /** @param to page of this server to come back to @throws SIGN_IN_UNAVAILABLE, SIGN_IN_FAILED */
  async begin(to: string): Promise<Onward> {
    const { url, secrets } = await this.#provider.begin(this.#at(CALLBACK_PATH));
    const cookie = await this.#cookies.seal(ATTEMPT, { ...secrets, to: this.#ownPage(to) });
    return { location: url.href, cookies: [cookie] };
  }

  /** @throws SIGN_IN_FAILED, SIGN_IN_UNAVAILABLE, ROLE_MISSING */
  async finish(request: Request): Promise<Onward & { readonly caller: Caller }> {
    const attempt = await this.#cookies.open(ATTEMPT, request.get('Cookie'));
    if (attempt === null)
      throw new BackupError(
        'SIGN_IN_FAILED',
        'this browser began no sign-in here within the last ten minutes',
      );
    const { subject, claims } = await this.#provider.finish(
      new URL(this.#at(request.originalUrl)),
      attempt,
    );
    const name = nameOfClaims(claims, this.#settings, subject);
    const role = roleOfClaims(claims, this.#settings);
    if (role === null)
      throw new BackupError(
        'ROLE_MISSING',
        `nothing in the claim ${this.#settings.roleClaim} of ${name} gives a role`,
      );
    const person = { jti: randomUUID(), sub: subject, name, role };
    const cookies = [await this.#cookies.seal(this.#person, person), this.forgetAttempt()];
    return {
      location: attempt.to,
      cookies,
      caller: { name, role, scope: null, subject, expiresAt: null },
    };
  }

  forgetAttempt(): string {
    return this.#cookies.forget(ATTEMPT);
  }

  /** null: nobody is signed in. What changes something must have been sent by a page of this server.
   *  @throws ORIGIN_FOREIGN */
  async callerOf(request: Request): Promise<Caller | null> {
    const person = await this.#cookies.open(this.#person, request.get('Cookie'));
    if (person === null || this.#ended.has(person.jti)) return null;
    this.#assertOwnPage(request);
    const { name, role, sub: subject, endsAtMs } = person;
    return { name, role, scope: null, subject, expiresAt: new Date(endsAtMs).toISOString() };
  }

  /** The cookie holds no longer, even for whoever has a copy of it. @returns the value of `Set-Cookie` */
  async end(cookieHeader: string | undefined): Promise<string> {
    const person = await this.#cookies.open(this.#person, cookieHeader);
    if (person !== null) this.#ended.set(person.jti, true);
    return this.#cookies.forget(this.#person);
  }

  #assertOwnPage(request: Request): void {
    if (READING.includes(request.method)) return;
    const site = request.get('Sec-Fetch-Site');
    const origin = request.get('Origin');
    const isOwn = site === undefined ? origin === this.#settings.publicUrl : site === 'same-origin';
    if (!isOwn)
      throw new BackupError(
        'ORIGIN_FOREIGN',
        `a page of ${origin ?? 'another site'} sent this with the cookie of somebody`,
      );
  }

  #at(path: string): string {
    return `${this.#settings.publicUrl}${path}`;
  }

  /** Nobody is sent on to another site, whatever the link says. */
  #ownPage(to: string): string {
    const { publicUrl } = this.#settings;
    const url = URL.canParse(to, publicUrl) ? new URL(to, publicUrl) : null;
    if (url === null || url.origin !== publicUrl || url.pathname.startsWith('//')) return '/';
    return `${url.pathname}${url.search}${url.hash}`;
  }
}
