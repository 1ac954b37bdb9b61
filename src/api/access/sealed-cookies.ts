/** What a browser keeps for this server: sealed, so that nobody else can read or make it (RFC 7516, `dir` with AES-256-GCM). */

import { EncryptJWT, errors, jwtDecrypt, type JWTPayload } from 'jose';
import type { z } from 'zod';

/** `SameSite=Lax`: it comes along when another site sends the browser here, as an identity provider does. */
export interface CookieKind<Content extends object> {
  readonly name: string;
  readonly schema: z.ZodType<Content>;
  readonly sameSite: 'Strict' | 'Lax';
  readonly lifetimeMs: number;
}

const ENCRYPTION = 'A256GCM';

export class SealedCookies {
  readonly #key: Uint8Array;
  readonly #isSecure: boolean;
  readonly #now: () => number;

  /** @param key of 32 bytes @param isSecure the browser may send it over TLS alone */
  constructor(key: Uint8Array, { isSecure, now }: { isSecure: boolean; now: () => number }) {
    this.#key = key;
    this.#isSecure = isSecure;
    this.#now = now;
  }

  /** @returns the value of `Set-Cookie` */
  async seal<Content extends object>(kind: CookieKind<Content>, content: Content): Promise<string> {
    const nowMs = this.#now();
    const sealed = await new EncryptJWT({ ...content } as JWTPayload)
      .setProtectedHeader({ alg: 'dir', enc: ENCRYPTION })
      // One kind is not taken for another.
      .setAudience(kind.name)
      .setIssuedAt(new Date(nowMs))
      .setExpirationTime(new Date(nowMs + kind.lifetimeMs))
      .encrypt(this.#key);
    return this.#header(kind, sealed, kind.lifetimeMs / 1_000);
  }

  /** @returns the value of `Set-Cookie` that has the browser forget it */
  forget(kind: CookieKind<object>): string {
    return this.#header(kind, '', 0);
  }

  /** @param header `Cookie` of a request
   *  @returns also when its time is over, epoch milliseconds; null: there is none, its time is over, or it was not sealed with this key */
  async open<Content extends object>(
    kind: CookieKind<Content>,
    header: string | undefined,
  ): Promise<(Content & { readonly endsAtMs: number }) | null> {
    const sealed = cookieOf(header, this.#nameOf(kind));
    if (sealed === null) return null;
    try {
      const { payload } = await jwtDecrypt(sealed, this.#key, {
        audience: kind.name,
        currentDate: new Date(this.#now()),
        contentEncryptionAlgorithms: [ENCRYPTION],
        keyManagementAlgorithms: ['dir'],
        requiredClaims: ['exp'],
      });
      const content = kind.schema.safeParse(payload);
      return content.success ? { ...content.data, endsAtMs: payload.exp! * 1_000 } : null;
    } catch (error) {
      if (error instanceof errors.JOSEError) return null;
      throw error;
    }
  }

  #header({ sameSite, ...kind }: CookieKind<object>, value: string, maxAgeSeconds: number): string {
    const traits = ['Path=/', `Max-Age=${maxAgeSeconds}`, 'HttpOnly', `SameSite=${sameSite}`];
    if (this.#isSecure) traits.push('Secure');
    return [`${this.#nameOf(kind)}=${value}`, ...traits].join('; ');
  }

  /** `__Host-`: a browser takes it from this very host over TLS alone (RFC 6265bis, 4.1.3). */
  #nameOf({ name }: { readonly name: string }): string {
    return this.#isSecure ? `__Host-${name}` : name;
  }
}

function cookieOf(header: string | undefined, name: string): string | null {
  for (const pair of (header ?? '').split(';')) {
    const [key, value] = pair.trim().split(/=(.*)/s);
    if (key === name) return value ?? null;
  }
  return null;
}
