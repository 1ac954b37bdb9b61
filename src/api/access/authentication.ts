/** Who asks. With a token: whoever it was made for. Without: programs on this machine, and no web page of someone else's. */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Caller } from '../../domain/access/access.js';
import { BackupError } from '../../domain/errors.js';
import type { FailedAttempts } from './failed-attempts.js';
import { setCaller } from '../request-state.js';
import { SIGN_IN_PATH, type SignIn } from './sign-in.js';

/** Whoever has the token of the configuration file. It always holds, whatever becomes of the others. */
const EMERGENCY: Caller = {
  name: 'token of the configuration',
  role: 'administrator',
  scope: null,
  subject: null,
  expiresAt: null,
};

/** Whoever can reach a server that has no token. */
export const LOCAL: Caller = { ...EMERGENCY, name: 'this machine' };

interface TokenDoor {
  /** Of the configuration. */
  readonly emergencyToken: string;
  /** Of all others; null: there is no such token. */
  readonly callerOf: (token: string) => Promise<Caller | null>;
  readonly attempts: FailedAttempts;
  /** null: nobody signs in here. */
  readonly signIn: SignIn | null;
}

/** Compares in constant time, over digests, so that neither content nor length of a token shows in the answer's time. A right token is let in
 *  however many wrong ones its address has sent. Without one, the cookie of somebody who signed in counts. */
export function requireCaller({
  emergencyToken,
  callerOf,
  attempts,
  signIn,
}: TokenDoor): RequestHandler {
  const expected = sha256(emergencyToken);
  return async (request, response, next) => {
    const [, sent] = /^Bearer +(\S+)$/i.exec(request.get('Authorization') ?? '') ?? [];
    const address = request.socket.remoteAddress ?? '';
    const isEmergency = sent !== undefined && timingSafeEqual(sha256(sent), expected);
    const isByCookie = request.get('Authorization') === undefined && signIn !== null;
    const caller = isEmergency
      ? EMERGENCY
      : isByCookie
        ? await signIn.callerOf(request)
        : sent === undefined
          ? null
          : await callerOf(sent);
    if (caller === null) {
      if (attempts.isTooMany(address))
        throw new BackupError('TOO_MANY_ATTEMPTS', `${address} has sent many wrong tokens`);
      if (sent !== undefined) attempts.note(address);
      const where = signIn === null ? {} : { details: { signIn: SIGN_IN_PATH } };
      throw new BackupError('UNAUTHORIZED', 'the bearer token is missing or wrong', where);
    }
    setCaller(response, caller);
    next();
  };
}

/** Refuses other machines, and browsers that act for a foreign page: one whose name was pointed at loopback (`Host`), or one that sends
 *  requests across sites (`Origin`). */
export function requireLoopback(): RequestHandler {
  return (request, response, next) => {
    const address = request.socket.remoteAddress ?? '';
    const origin = request.get('Origin');
    const isLocal =
      isLoopbackAddress(address) &&
      isLoopbackName(request.hostname ?? '') &&
      (origin === undefined || isLoopbackOrigin(origin));
    if (!isLocal) {
      throw new BackupError(
        'TOKEN_REQUIRED',
        'without a configured token the server answers to this machine only',
      );
    }
    setCaller(response, LOCAL);
    next();
  };
}

const READING = ['GET', 'HEAD', 'OPTIONS'];

/** Refuses writes that a browser sends for a page of another site. What sends neither header is no browser. */
export function requireOwnOrigin(): RequestHandler {
  return (request, _response, next) => {
    const site = request.get('Sec-Fetch-Site');
    const origin = request.get('Origin');
    const isOwn =
      READING.includes(request.method) ||
      (site === undefined
        ? origin === undefined || hostOf(origin) === request.get('Host')
        : site === 'same-origin' || site === 'none');
    if (!isOwn)
      throw new BackupError('ORIGIN_FOREIGN', `a page of ${origin ?? 'another site'} sent this`);
    next();
  };
}

function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null;
  }
}

function isLoopbackAddress(address: string): boolean {
  return /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(address) || address === '::1';
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || isLoopbackAddress(name.replaceAll(/[[\]]/g, ''));
}

function isLoopbackOrigin(origin: string): boolean {
  try {
    return isLoopbackName(new URL(origin).hostname);
  } catch {
    return false;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
