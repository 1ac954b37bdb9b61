/** One operation of the API, declared once: the router validates with its schemas, the OpenAPI document is made from the same ones. */

import type { Request, Response, Router } from 'express';
import { z } from 'zod';
import type { Caller, Permission, Subject } from '../domain/access/access.js';
import { BackupError, type ErrorCode } from '../domain/errors.js';
import { callerOf, noteBefore } from './request-state.js';
import { schemaWords } from './schema-words.js';

export interface RouteInput<Query, Body> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly header: (name: string) => string | undefined;
  readonly caller: Caller;
  /** What is about to be changed, as it is now, for the line that tells of the change. */
  readonly noteBefore: (present: unknown) => void;
}

interface Answer<Content> {
  readonly content: Content;
  readonly headers?: Readonly<Record<string, string>>;
}

interface RouteDescription {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** In Express form (`/jobs/:id`), below the base path. */
  readonly path: string;
  readonly operationId: string;
  /** What the caller must be allowed to do. */
  readonly needs: Permission;
  /** What the path names; `:id` is which one. */
  readonly subject: Subject;
  /** Fields of the body that need more when they are set: neither left out nor false. */
  readonly fieldsNeed?: Readonly<Record<string, Permission>>;
  /** Whoever is bound to some jobs and repositories may not, whatever the path names. */
  readonly reachesOutside?: true;
  /** A `post` that changes nothing: what it asks is too long for an address. */
  readonly looksOnly?: true;
  readonly summary: string;
  readonly status: 200 | 201 | 202 | 204;
  /** Request headers with what they do. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Codes that this operation may answer with, besides REQUEST_INVALID and UNAUTHORIZED. */
  readonly errors: readonly ErrorCode[];
}

interface RouteSpecification<Query, Body, Content> extends RouteDescription {
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  readonly answer: z.ZodType<Content> | null;
  readonly run: (input: RouteInput<Query, Body>) => Promise<Answer<Content>>;
}

/** A route whose types have been checked against each other. */
export interface Route extends RouteDescription {
  readonly query: z.ZodType | null;
  readonly body: z.ZodType | null;
  readonly answer: z.ZodType | null;
  /** Media type of the answer. */
  readonly answerType: 'application/json' | 'text/event-stream';
  handle(request: Request, response: Response): Promise<void>;
}

/** As OpenAPI writes it: `/jobs/{id}`. */
export function documentedPath(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

const NO_FIELDS = z.strictObject({});

/** A route that answers with JSON. A query or body that the route does not declare must be empty. */
export function jsonRoute<Query = unknown, Body = unknown, Content = unknown>(
  specification: RouteSpecification<Query, Body, Content>,
): Route {
  const { run, query, body, ...description } = specification;
  return {
    ...description,
    query: query ?? null,
    body: body ?? null,
    answerType: 'application/json',
    async handle(request, response) {
      const input = readInput(request, response, query, body);
      const answer = await run(input);
      response.status(description.status).set(answer.headers ?? {});
      if (description.status === 204) response.end();
      else response.json(answer.content);
    },
  };
}

interface EventRouteDescription<Query> extends RouteDescription {
  readonly query?: z.ZodType<Query>;
  /** `data` of each event. */
  readonly event?: z.ZodType;
}

/** A route that writes its answer by itself, as server-sent events. */
export function eventRoute<Query = unknown>(
  { query, event, ...description }: EventRouteDescription<Query>,
  stream: (
    request: Request,
    response: Response,
    input: RouteInput<Query, unknown>,
  ) => Promise<void>,
): Route {
  return {
    ...description,
    query: query ?? null,
    body: null,
    answer: event ?? null,
    answerType: 'text/event-stream',
    async handle(request, response) {
      await stream(request, response, readInput(request, response, query, undefined));
    },
  };
}

/** A known path answers a method that it does not have with those that it has. @throws METHOD_NOT_ALLOWED */
export function mountRoutes(router: Router, routes: readonly Route[]): void {
  const methods = new Map<string, string[]>();
  for (const { method, path, ...route } of routes) {
    router[method](path, (request, response) => route.handle(request, response));
    const served = method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()];
    methods.set(path, [...(methods.get(path) ?? []), ...served]);
  }
  // More than one path may fit: `/jobs/import` is one of `/jobs/:id`, too.
  for (const [path, served] of methods)
    router.all(path, (_request, response, next) => {
      const { allowed } = response.locals as { allowed?: readonly string[] };
      response.locals['allowed'] = [...(allowed ?? []), ...served];
      next();
    });
  router.use((request, response, next) => {
    const { allowed } = response.locals as { allowed?: readonly string[] };
    if (allowed === undefined) return next();
    const names = [...new Set(allowed)].sort().join(', ');
    response.set('Allow', names);
    if (request.method === 'OPTIONS') return void response.status(204).end();
    throw new BackupError(
      'METHOD_NOT_ALLOWED',
      `${request.baseUrl}${request.path} has ${names}, and no ${request.method}`,
    );
  });
}

/** @throws REQUEST_INVALID with `details.errors: {path, message}[]` listing every fault */
function readInput<Query, Body>(
  request: Request,
  response: Response,
  query: z.ZodType<Query> | undefined,
  body: z.ZodType<Body> | undefined,
): RouteInput<Query, Body> {
  const parsedQuery = (query ?? NO_FIELDS).safeParse(request.query, { error: schemaWords });
  const parsedBody = (body ?? NO_FIELDS).safeParse(request.body ?? {}, { error: schemaWords });
  const errors = [
    ...requestFaults(parsedQuery.error, 'query.'),
    ...requestFaults(parsedBody.error, ''),
  ];
  if (errors.length > 0 || !parsedQuery.success || !parsedBody.success) {
    throw invalidRequest(errors);
  }
  return {
    params: textParams(request),
    query: parsedQuery.data as Query,
    body: parsedBody.data as Body,
    header: (name) => request.get(name),
    caller: callerOf(response),
    noteBefore: (present) => noteBefore(response, present),
  };
}

interface RequestFault {
  /** Place in the body (`sources.include.0.repositoryId`); a query parameter starts with `query.`, which the text for people leaves out;
   *  empty: the request as a whole. */
  readonly path: string;
  readonly message: string;
}

export function invalidRequest(errors: readonly RequestFault[]): BackupError {
  return new BackupError('REQUEST_INVALID', faultsText(errors), { details: { errors } });
}

export function faultsText(faults: readonly RequestFault[]): string {
  return faults
    .map(({ path, message }) => [path.replace(/^query\./, ''), message])
    .map(([place, message]) => (place === '' ? message : `${place}: ${message}`))
    .join('; ');
}

/** @param error of a parse with `schemaWords` */
export function requestFaults(error: z.ZodError | undefined, prefix: string): RequestFault[] {
  return (error?.issues ?? []).flatMap((issue) => {
    const path = `${prefix}${issue.path.map(String).join('.')}`;
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
    const separator = path === '' || path === prefix ? path : `${path}.`;
    return issue.keys.map((key) => ({ path: `${separator}${key}`, message: 'unknown field' }));
  });
}

function textParams(request: Request): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.params).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join('/') : value,
    ]),
  );
}
