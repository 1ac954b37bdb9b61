import { expect, it } from 'vitest';
import { z } from 'zod';
import { schemaWords } from '../../../src/api/schema-words.js';

const DAILY = z.object({ type: z.literal('daily') });
const WEEKLY = z.object({ type: z.literal('weekly') });

it.each([
  [z.enum(['success', 'failed']), 'nope', 'must be one of success, failed'],
  [z.literal('cached'), 'nope', 'must be cached'],
  [z.int().min(1), 0, 'must be at least 1'],
  [z.int().max(365), 366, 'must be at most 365'],
  [z.int(), 1.5, 'must be a whole number'],
  [z.int(), 'nope', 'must be a number'],
  [z.boolean(), 'yes', 'must be true or false'],
  [z.string().min(1), '', 'must have at least 1 character'],
  [z.array(z.string()).min(2), ['a'], 'must have at least 2 entries'],
  [z.iso.datetime(), 'nope', 'must be an instant, as 2026-11-24T22:00:00Z'],
  [z.string(), undefined, 'is missing'],
  [z.union([z.int(), z.literal('last')]), 'first', 'must be a number or last'],
  [z.union([z.string(), z.int()]), undefined, 'is missing'],
  [
    z.union([z.object({ from: z.string() }), z.object({ days: z.int() })]),
    {},
    'from: is missing or days: is missing',
  ],
  [z.discriminatedUnion('type', [DAILY, WEEKLY]), { type: 'x' }, 'must be one of daily, weekly'],
  [z.discriminatedUnion('type', [DAILY, WEEKLY]), {}, 'must be one of daily, weekly'],
  [z.string().regex(/^a/, 'begins with an a'), 'b', 'begins with an a'],
])('says of a value what it has to be: %#', (schema: z.ZodType, value, words) => {
  const { error } = schema.safeParse(value, { error: schemaWords });
  expect(error?.issues.map(({ message }) => message)).toEqual([words]);
});
