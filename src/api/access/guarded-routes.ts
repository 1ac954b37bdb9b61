/** Whether the caller may, before each route; and an audit line after each that changes something. */

import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import {
  refusalEverywhere,
  refusalOf,
  refusalOutside,
  type Caller,
  type Permission,
} from '../../domain/access/access.js';
import { shortened, type AuditLine, type AuditPlace } from '../../domain/access/audit.js';
import { BackupError } from '../../domain/errors.js';
import { madeJob, type AuditTrail } from './audit-trail.js';
import { toProblem } from '../problem.js';
import { beforeOf, callerOf } from '../request-state.js';
import { documentedPath, type Route } from '../route.js';

/** Routes that ask whether the caller may, and tell of each change who made it.
 *  @throws PERMISSION_MISSING */
export function guardedRoutes(
  routes: readonly Route[],
  {
    trail,
    now,
  }: {
    readonly trail: Pick<AuditTrail, 'placesOf' | 'placesOfMade' | 'keep'>;
    readonly now: () => number;
  },
): Route[] {
  return routes.map((route) => ({
    ...route,
    async handle(request, response) {
      if (route.method === 'get' || route.looksOnly === true) {
        assertMay(route, request, response);
        return route.handle(request, response);
      }
      let outcome = 'done';
      let places: AuditPlace[] = [];
      try {
        // Who may nothing gets nothing written to a target: that he was refused stands in the log alone.
        assertMay(route, request, response);
        // Afterwards nobody knows where a job was that is gone.
        places = await trail.placesOf(route.subject, idIn(request));
        await route.handle(request, response);
      } catch (error) {
        outcome = toProblem(error).code;
        throw error;
      } finally {
        if (outcome === 'REQUEST_INVALID') places = [];
        const made = outcome === 'done' ? madeJob(response.get('Location')) : null;
        if (made !== null) {
          const replaced = route.subject === 'site' ? [] : places;
          places = [...replaced, ...trail.placesOfMade(made, request.body, replaced)];
        }
        const line = { ...lineOf(route, request, response), at: new Date(now()).toISOString() };
        await trail.keep({ ...line, outcome }, places);
      }
    },
  }));
}

function lineOf(
  { operationId }: Route,
  { path, body }: Request,
  response: Response,
): Omit<AuditLine, 'at' | 'outcome'> {
  const { name, role, subject } = callerOf(response);
  return {
    ...{ id: randomUUID(), who: name, role, subject },
    ...{ operation: operationId, path },
    ...{ before: shortened(beforeOf(response)), after: shortened(body) },
  };
}

function assertMay(
  { needs, subject, reachesOutside, fieldsNeed = {} }: Route,
  request: Request,
  response: Response,
): void {
  const refused = (permission: Permission): string | null =>
    refusalOf(callerOf(response), { needs: permission, subject, subjectId: idIn(request) });
  const refusal =
    refused(needs) ?? (reachesOutside === true ? refusalOutside(callerOf(response)) : null);
  if (refusal !== null) throw new BackupError('PERMISSION_MISSING', refusal);
  const body = (request.body ?? {}) as Readonly<Record<string, unknown>>;
  for (const [field, permission] of Object.entries(fieldsNeed)) {
    const reason = (body[field] ?? false) === false ? null : refused(permission);
    if (reason !== null) throw new BackupError('PERMISSION_MISSING', `${field}: ${reason}`);
  }
}

/** A call that a caller is refused, whichever job or repository its address names. */
export interface RefusalView {
  readonly operationId: string;
  readonly method: string;
  /** Below the base path: `/jobs/{id}/start`. */
  readonly path: string;
  /** Of the body, when that alone is refused; null: the call itself is. */
  readonly field: string | null;
  readonly reason: string;
}

/** What the routes refuse the caller: so that nobody is offered what he is refused. */
export function refusalsOf(caller: Caller, routes: readonly Route[]): RefusalView[] {
  return routes.flatMap((route) => {
    const { operationId, method, path, needs, subject, fieldsNeed = {} } = route;
    const outside = route.reachesOutside === true ? refusalOutside(caller) : null;
    const call = { operationId, method: method.toUpperCase(), path: documentedPath(path) };
    const wishes: [string | null, Permission][] = [[null, needs], ...Object.entries(fieldsNeed)];
    return wishes.flatMap(([field, permission]) => {
      const reason = refusalEverywhere(caller, { needs: permission, subject }) ?? outside;
      return reason === null ? [] : [{ ...call, field, reason }];
    });
  });
}

function idIn({ params: { id } }: Request): string {
  return typeof id === 'string' ? id : '';
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
