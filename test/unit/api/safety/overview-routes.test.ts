import express, { type Request, type Response } from 'express';
import { expect, it } from 'vitest';
import { overviewRoutes } from '../../../../src/api/safety/overview-routes.js';
import { safetyOf } from '../../../../src/domain/safety/safety.js';
import { chain, facts, NOW_MS, source } from '../../../support/safety/known-facts.js';

/** a1 to a3 have a copy as new as their job wants, b9 has none. */
const GOOD = ['a1', 'a2', 'a3'];
const known = facts(
  [...GOOD, 'b9'].map((name) => source(name, 12)),
  GOOD.map((name) => chain(name, 12)),
);
const reader = {
  safety: async () => ({
    facts: { ...known, listed: [], areOutcomesKnown: true },
    safety: safetyOf(known, NOW_MS),
    nowMs: NOW_MS,
  }),
};
const list = overviewRoutes({ reader, sessions: {} } as never).find(
  ({ operationId }) => operationId === 'listAllWorkloads',
)!;

async function page(query: object) {
  let content: unknown;
  const response = {
    ...express.response,
    ...{
      locals: { caller: { name: 'anna', role: 'viewer', scope: null } },
      set: () => response,
      status: () => response,
    },
    json: (answer: unknown) => void (content = answer),
  };
  const request = { params: {}, query, get: () => undefined } as unknown as Request;
  await list.handle(request, response as unknown as Response);
  const { items, nextCursor } = content as { items: { name: string }[]; nextCursor?: string };
  return { names: items.map(({ name }) => name), nextCursor };
}

it('lists workloads by name, as many as asked for', async () => {
  expect((await page({})).names).toEqual(['a1', 'a2', 'a3', 'b9']);
  const { names, nextCursor } = await page({ limit: '3' });
  expect(names).toEqual(['a1', 'a2', 'a3']);
  expect(await page({ limit: '3', cursor: nextCursor })).toEqual({ names: ['b9'] });
});

it('lists those that need somebody first, page by page', async () => {
  const worst = { order: 'worstFirst', limit: '2' };
  const { names, nextCursor } = await page(worst);
  expect(names).toEqual(['b9', 'a1']);
  expect((await page({ ...worst, cursor: nextCursor })).names).toEqual(['a2', 'a3']);
});

it.each(['0', '201', '1.5', '-1', ''])('refuses a limit of %j', async (limit) => {
  await expect(page({ limit })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
});
