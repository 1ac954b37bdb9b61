/** Who changed what. */

import { z } from 'zod';
import type { AuditEntry } from '../../domain/access/audit.js';
import { instant, slug } from '../field-schemas.js';
import { browsedPageSchema } from '../repositories/repository-schemas.js';
import { jsonRoute, type Route } from '../route.js';
import type { AuditReader } from './audit-reader.js';

const querySchema = z.strictObject({
  jobId: slug.optional().meta({ description: 'Only what concerns this job.' }),
  from: z.iso.datetime({ offset: true }).optional().meta({ description: 'Answered at or after.' }),
  to: z.iso.datetime({ offset: true }).optional().meta({ description: 'Answered before.' }),
  cursor: z
    .string()
    .max(200)
    .regex(/^\S+ \S+$/, 'not a cursor of this list')
    .optional(),
});

const json = z.unknown().meta({ description: 'JSON; cut to text when it is long.' });
const entrySchema: z.ZodType<AuditEntry> = z
  .object({
    id: z.string(),
    at: instant,
    who: z.string(),
    role: z.string(),
    subject: z.string().nullable().meta({
      description: 'What the identity provider calls him; null: he did not sign in there.',
    }),
    operation: z.string().meta({ description: '`operationId` of the route.' }),
    path: z.string(),
    outcome: z.string().meta({ description: '`done`, or the code with which it was refused.' }),
    before: json,
    after: json,
    jobId: z.string().nullable().meta({
      description: 'Whose data it lies beside; null: it is about a repository or the whole site.',
    }),
  })
  .meta({ id: 'AuditEntry' });
export function auditRoutes(reader: AuditReader): Route[] {
  return [
    jsonRoute({
      method: 'get',
      path: '/audit',
      operationId: 'listAudit',
      needs: 'administer',
      subject: 'site',
      summary: 'Who changed what, or tried to: the lines that lie beside the data, newest first.',
      status: 200,
      query: querySchema,
      answer: browsedPageSchema(entrySchema),
      errors: [],
      run: async ({ query: { jobId, from, to, cursor } }) => ({
        content: await reader.list(
          {
            jobId: jobId ?? null,
            fromMs: from === undefined ? null : Date.parse(from),
            toMs: to === undefined ? null : Date.parse(to),
          },
          cursor,
        ),
      }),
    }),
  ];
}
