/** Who may ask. With a token: whoever sends it. Without: programs on this machine, and no web page of someone else's. */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { BackupError } from '../domain/errors.js';

/** Compares in constant time, over digests, so that neither content nor length of the token shows in the answer's time. */
export function requireToken(token: string): RequestHandler {
  const expected = sha256(token);
  return (request, _response, next) => {
    const [, sent] = /^Bearer +(\S+)$/i.exec(request.get('Authorization') ?? '') ?? [];
    if (sent === undefined || !timingSafeEqual(sha256(sent), expected)) {
      throw new BackupError('UNAUTHORIZED', 'the bearer token is missing or wrong');
    }
    next();
  };
}

/** Refuses other machines, and browsers that act for a foreign page: one whose name was pointed at loopback (`Host`), or one that sends
 *  requests across sites (`Origin`). */
export function requireLoopback(): RequestHandler {
  return (request, _response, next) => {
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
    next();
  };
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
