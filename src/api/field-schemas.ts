/** Fields that several resources have. */

import { z } from 'zod';

/** Ids of jobs and repositories: safe in addresses, folder names and queue names. */
export const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export const slug = z
  .string()
  .regex(SLUG, 'must be 1 to 63 lower-case letters, digits and inner hyphens');

/** Only in answers: what the server writes is RFC 3339 UTC. */
export const instant = z.string().meta({ format: 'date-time', description: 'RFC 3339 UTC.' });

/** Answer of every list. */
export function pageSchema<Item>(
  item: z.ZodType<Item>,
): z.ZodType<{ items: Item[]; nextCursor?: string | undefined }> {
  return z
    .object({ items: z.array(item), nextCursor: z.string().optional() })
    .meta({ id: pageName(item) });
}

/** `SessionSummaryPage` is a page of `SessionSummary`. */
export function pageName(item: z.ZodType): string {
  const { id } = item.meta() ?? {};
  if (typeof id !== 'string') throw new Error('a list needs items whose schema has a name');
  return `${id}Page`;
}

export const stopRequestSchema: z.ZodType<{ readonly reason: string | null }> = z
  .strictObject({
    reason: z
      .string()
      .trim()
      .min(1)
      .max(500)
      .regex(/^\P{Cc}*$/u)
      .nullable()
      .default(null)
      .meta({ description: 'Stands in what is left of it, behind who stopped it.' }),
  })
  .meta({ id: 'StopRequest' });
