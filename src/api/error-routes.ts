/** What each error code means and what to do about it, for clients that show a code. */

import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../domain/errors.js';
import type { ErrorKind } from '../domain/error-entry.js';
import { pageSchema } from './field-schemas.js';
import { jsonRoute, type Route } from './route.js';
import { errorCodeSchema } from './sessions/session-schemas.js';

export interface ErrorTableEntry {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly meaning: string;
  /** What to do next. */
  readonly hint: string;
}

const entrySchema: z.ZodType<ErrorTableEntry> = z
  .object({
    code: errorCodeSchema,
    kind: z.enum([
      'invalid',
      'not_found',
      'conflict',
      'unavailable',
      'exhausted',
      'corrupt',
      'unsupported',
    ]),
    meaning: z.string(),
    hint: z.string(),
  })
  .meta({ id: 'ErrorTableEntry' });

export function errorRoutes(): Route[] {
  const items = Object.entries(ERROR_CODES).map(([code, { kind, meaning, hint }]) => ({
    code: code as ErrorCode,
    kind,
    meaning,
    hint,
  }));
  return [
    jsonRoute({
      method: 'get',
      path: '/errors',
      operationId: 'listErrorCodes',
      needs: 'view',
      subject: 'nothing',
      summary: 'Every error code: its meaning and what to do next.',
      status: 200,
      answer: pageSchema(entrySchema),
      errors: [],
      run: async () => ({ content: { items } }),
    }),
  ];
}
