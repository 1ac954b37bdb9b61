/** The two addresses between which a browser goes to the identity provider and comes back. They need no token, and answer with pages. */

import express, { type Request, type Response, type Router } from 'express';
import { BackupError } from '../../domain/errors.js';
import type { Logger } from '../api-dependencies.js';
import type { FailedAttempts } from './failed-attempts.js';
import { escapeHtml } from '../pages/html.js';
import { nonceOf } from '../pages/page-headers.js';
import { toProblem, type Problem } from '../problem.js';
import { CALLBACK_PATH, SIGN_IN_PATH, type Onward, type SignIn } from './sign-in.js';

interface SignInPagesParts {
  readonly signIn: SignIn;
  readonly attempts: FailedAttempts;
  readonly logger: Logger;
}

export function signInPages({ signIn, attempts, logger }: SignInPagesParts): Router {
  const router = express.Router();
  router.get(SIGN_IN_PATH, async (request, response) => {
    try {
      assertFew(attempts, request);
      const { to } = request.query;
      goOn(response, await signIn.begin(typeof to === 'string' ? to : '/'));
    } catch (error) {
      refuse(response, error, logger);
    }
  });
  router.get(CALLBACK_PATH, async (request, response) => {
    const audit = { operation: 'signIn', path: CALLBACK_PATH };
    try {
      assertFew(attempts, request);
      const { caller, ...onward } = await signIn.finish(request);
      const { name, role, subject } = caller;
      logger.info({ audit: { who: name, role, subject, ...audit, outcome: 'done' } }, 'audit');
      goOn(response, onward);
    } catch (error) {
      attempts.note(addressOf(request));
      const { code, detail } = toProblem(error);
      logger.info({ audit: { who: null, role: null, ...audit, outcome: code, detail } }, 'audit');
      response.append('Set-Cookie', signIn.forgetAttempt());
      refuse(response, error, logger);
    }
  });
  return router;
}

function assertFew(attempts: FailedAttempts, request: Request): void {
  const address = addressOf(request);
  if (attempts.isTooMany(address))
    throw new BackupError('TOO_MANY_ATTEMPTS', `many attempts from ${address} failed`);
}

function addressOf(request: Request): string {
  return request.socket.remoteAddress ?? '';
}

function goOn(response: Response, { location, cookies }: Onward): void {
  response.set('Cache-Control', 'no-store');
  response.append('Set-Cookie', [...cookies]);
  response.redirect(303, location);
}

function refuse(response: Response, error: unknown, logger: Logger): void {
  const problem = toProblem(error);
  if (problem.code === 'INTERNAL_ERROR') logger.error({ err: error }, 'signing in failed');
  response.status(problem.status).set('Cache-Control', 'no-store').type('html');
  response.send(refusalPage(problem, nonceOf(response)));
}

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto 0; padding: 0 1rem; color-scheme: light dark; overflow-wrap: anywhere; }
  h1 { font-size: 1.5rem; } code { font-family: ui-monospace, monospace; font-size: 0.9rem; }`;

function refusalPage({ code, detail, hint }: Problem, nonce: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Not signed in - Longhaul</title><style nonce="${nonce}">${STYLE}</style></head>
<body><main>
<h1>You are not signed in</h1>
<p>${escapeHtml(detail)}</p>
<p>${escapeHtml(hint)}</p>
<p><a href="${SIGN_IN_PATH}">Try again</a>, or <a href="/">use a token</a>. Code: <code>${code}</code></p>
</main></body>
</html>
`;
}
