/** Whether the caller may, before each route; and a line in the log after each that changes something. */

import type { Request, RequestHandler, Response } from 'express';
import { refusalOf, type Wish } from '../domain/access.js';
import { BackupError } from '../domain/errors.js';
import type { Logger } from './api-dependencies.js';
import { toProblem } from './problem.js';
import { beforeOf, callerOf } from './request-state.js';
import type { Route } from './route.js';

/** Routes that ask whether the caller may, and tell of each change who made it.
 *  @throws PERMISSION_MISSING */
export function guardedRoutes(routes: readonly Route[], logger: Logger): Route[] {
  return routes.map((route) => ({
    ...route,
    async handle(request, response) {
      if (route.method === 'get') {
        assertMay(route, request, response);
        return route.handle(request, response);
      }
      let outcome = 'done';
      try {
        assertMay(route, request, response);
        await route.handle(request, response);
      } catch (error) {
        outcome = toProblem(error).code;
        throw error;
      } finally {
        const { name, role, subject } = callerOf(response);
        const what = { operation: route.operationId, path: request.path, outcome };
        const change = { before: short(beforeOf(response)), after: short(request.body) };
        const who = { who: name, role, ...(subject === null ? {} : { subject }) };
        logger.info({ audit: { ...who, ...what, ...change } }, 'audit');
      }
    },
  }));
}

const SHOWN_CHARACTERS = 8_000;

/** A definition may name thousands of machines. */
function short(value: unknown): unknown {
  if (value === undefined) return null;
  const text = JSON.stringify(value);
  return text.length <= SHOWN_CHARACTERS ? value : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}

function assertMay(
  { needs, subject }: Omit<Wish, 'subjectId'>,
  request: Request,
  response: Response,
): void {
  const { id } = request.params;
  const subjectId = typeof id === 'string' ? id : '';
  const refusal = refusalOf(callerOf(response), { needs, subject, subjectId });
  if (refusal !== null) throw new BackupError('PERMISSION_MISSING', refusal);
}

/** For what tells of all jobs and repositories and is no route. @throws PERMISSION_MISSING */
export function requireWhole(): RequestHandler {
  return (_request, response, next) => {
    const wish = { needs: 'view', subject: 'site', subjectId: '' } as const;
    const refusal = refusalOf(callerOf(response), wish);
    if (refusal !== null) throw new BackupError('PERMISSION_MISSING', refusal);
    next();
  };
}
