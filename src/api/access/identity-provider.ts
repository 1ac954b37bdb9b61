/** The identity provider at which people sign in: OpenID Connect, code flow with PKCE (RFC 7636), every ID token checked with its signature. */

import * as openid from 'openid-client';
import { BackupError } from '../../domain/errors.js';
import { claimAt, type Claims, type SignInSettings } from '../../domain/access/sign-in.js';

const TIMEOUT_SECONDS = 10;

/** What must come back as it was sent, or stay secret until then. */
interface SignInSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

interface KnownPerson {
  readonly subject: string;
  readonly claims: Claims;
}

export class IdentityProvider {
  readonly #settings: SignInSettings;
  readonly #clientSecret: string | null;
  #found: Promise<openid.Configuration> | null = null;

  /** @param clientSecret null: a public client */
  constructor(settings: SignInSettings, clientSecret: string | null) {
    this.#settings = settings;
    this.#clientSecret = clientSecret;
  }

  /** @returns where the browser goes @throws SIGN_IN_UNAVAILABLE, SIGN_IN_FAILED */
  async begin(redirectUri: string): Promise<{ url: URL; secrets: SignInSecrets }> {
    const secrets = {
      state: openid.randomState(),
      nonce: openid.randomNonce(),
      verifier: openid.randomPKCECodeVerifier(),
    };
    return this.#ask(async (configuration) => ({
      url: openid.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: this.#settings.scope,
        state: secrets.state,
        nonce: secrets.nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(secrets.verifier),
        code_challenge_method: 'S256',
      }),
      secrets,
    }));
  }

  /** @param current where the browser came back to, whole @throws SIGN_IN_UNAVAILABLE, SIGN_IN_FAILED */
  async finish(current: URL, { state, nonce, verifier }: SignInSecrets): Promise<KnownPerson> {
    return this.#ask(async (configuration) => {
      const tokens = await openid.authorizationCodeGrant(configuration, current, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      const idToken = tokens.claims()!;
      const { sub: subject } = idToken;
      const { roleClaim, nameClaim } = this.#settings;
      const isSaid = [roleClaim, nameClaim].every((name) => claimAt(idToken, name) !== undefined);
      if (isSaid || configuration.serverMetadata().userinfo_endpoint === undefined)
        return { subject, claims: idToken };
      const userInfo = await openid.fetchUserInfo(configuration, tokens.access_token, subject);
      return { subject, claims: { ...userInfo, ...idToken } };
    });
  }

  async #ask<Answer>(work: (found: openid.Configuration) => Promise<Answer>): Promise<Answer> {
    try {
      this.#found ??= this.#discover();
      return await work(await this.#found);
    } catch (error) {
      // What it was found to be may be what has changed.
      this.#found = null;
      throw signInError(error, this.#settings.issuer);
    }
  }

  async #discover(): Promise<openid.Configuration> {
    const { issuer, clientId } = this.#settings;
    const secret = this.#clientSecret;
    const checks = [openid.enableNonRepudiationChecks];
    // The configuration allows it on this machine alone.
    if (new URL(issuer).protocol === 'http:') checks.push(openid.allowInsecureRequests);
    return openid.discovery(
      new URL(issuer),
      clientId,
      undefined,
      secret === null ? openid.None() : openid.ClientSecretBasic(secret),
      { execute: checks, timeout: TIMEOUT_SECONDS },
    );
  }
}

function signInError(error: unknown, issuer: string): BackupError {
  if (isSilence(error))
    return new BackupError('SIGN_IN_UNAVAILABLE', `${issuer} does not answer`, { cause: error });
  return new BackupError('SIGN_IN_FAILED', `${issuer}: ${reasonOf(error)}`, { cause: error });
}

function isSilence(error: unknown): boolean {
  if (error instanceof openid.ClientError)
    return ['OAUTH_TIMEOUT', 'OAUTH_ABORT'].includes(error.code ?? '') || hasServerFault(error);
  return error instanceof TypeError && error.cause instanceof Error;
}

function hasServerFault({ cause }: Error): boolean {
  return cause instanceof Response && cause.status >= 500;
}

/** The words of the provider where it has some; nothing of a token is among them. */
function reasonOf(error: unknown): string {
  if (
    error instanceof openid.AuthorizationResponseError ||
    error instanceof openid.ResponseBodyError
  ) {
    const { error: code, error_description: description } = error;
    return description === undefined ? code : `${code} (${description})`;
  }
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${inner}`;
}
