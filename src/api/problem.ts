/** Every error as an RFC 9457 problem. The one place where an error becomes an HTTP status (style guide, Errors). */

import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler } from 'express';
import type { ErrorKind } from '../domain/error-entry.js';
import { BackupError, ERROR_CODES, type ErrorCode } from '../domain/errors.js';
import type { Logger } from './api-dependencies.js';
import { toBackupError } from './executions/temporal-errors.js';

export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  /** An error code, or `INTERNAL_ERROR` for a bug. */
  readonly code: ErrorCode | 'INTERNAL_ERROR';
  readonly detail: string;
  readonly hint: string;
  readonly errors?: readonly unknown[];
  /** Where a browser signs in, when that is what is missing. */
  readonly signIn?: string;
}

const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 422,
  not_found: 404,
  conflict: 409,
  unavailable: 503,
  exhausted: 507,
  corrupt: 500,
  unsupported: 422,
};

/** Codes of kind `invalid` that HTTP has its own status for. */
const STATUS_OF_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  REQUEST_INVALID: 400,
  UNAUTHORIZED: 401,
  TOKEN_REQUIRED: 403,
  PERMISSION_MISSING: 403,
  SIGN_IN_FAILED: 403,
  ROLE_MISSING: 403,
  ORIGIN_FOREIGN: 403,
  TOO_MANY_ATTEMPTS: 429,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
};

export function statusOfCode(code: ErrorCode): number {
  return STATUS_OF_CODE[code] ?? STATUS_OF_KIND[ERROR_CODES[code].kind];
}

/** A plain `Error` is a bug: its text stays in the log. */
export function toProblem(error: unknown): Problem {
  const known = requestErrorOf(error) ?? toBackupError(error);
  if (known === null) {
    return {
      ...titled(500),
      code: 'INTERNAL_ERROR',
      detail: 'The server met an error that it does not know; this is a bug.',
      hint: 'The log has the details.',
    };
  }
  const { errors, signIn } = known.details;
  return {
    ...titled(statusOfCode(known.code)),
    code: known.code,
    detail: known.message,
    hint: known.hint,
    ...(Array.isArray(errors) ? { errors } : {}),
    ...(typeof signIn === 'string' ? { signIn } : {}),
  };
}

export function problemHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const problem = toProblem(error);
    if (problem.code === 'INTERNAL_ERROR') {
      logger.error({ err: error, method: request.method, path: request.path }, 'request failed');
    }
    if (response.headersSent) {
      next(error);
      return;
    }
    if (problem.status === 401) response.set('WWW-Authenticate', 'Bearer');
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  };
}

function titled(status: number): Pick<Problem, 'type' | 'title' | 'status'> {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status };
}

/** What Express and its body parser object to: a status below 500 and a message about the request. */
function requestErrorOf(error: unknown): BackupError | null {
  if (!(error instanceof Error) || error instanceof BackupError) return null;
  const status = 'status' in error ? error.status : undefined;
  if (typeof status !== 'number' || status < 400 || status >= 500) return null;
  const code: ErrorCode =
    status === 413
      ? 'REQUEST_TOO_LARGE'
      : status === 415
        ? 'MEDIA_TYPE_UNSUPPORTED'
        : 'REQUEST_INVALID';
  const details = { errors: [{ path: '', message: error.message }] };
  return new BackupError(code, error.message, { cause: error, details });
}
