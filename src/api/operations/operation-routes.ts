/** Verifications, restores and changes of copies, whoever began them. */

import { pageSchema, stopRequestSchema } from '../field-schemas.js';
import { jsonRoute, type Route } from '../route.js';
import type { OperationStore } from './operation-store.js';
import {
  operationQuerySchema,
  operationRunSchema,
  operationSchema,
} from '../repositories/repository-schemas.js';

export function operationRoutes(operations: OperationStore): Route[] {
  return [
    jsonRoute({
      method: 'get',
      path: '/operations',
      operationId: 'listOperations',
      needs: 'view',
      subject: 'site',
      summary:
        'Verifications, restores and changes of copies that Temporal still knows: running ones, then the ended ones, newest end first.',
      query: operationQuerySchema,
      status: 200,
      answer: pageSchema(operationSchema),
      errors: [],
      run: async ({ query }) => {
        const { items, nextCursor } = await operations.list(query);
        return { content: { items, ...(nextCursor === null ? {} : { nextCursor }) } };
      },
    }),
    jsonRoute({
      method: 'get',
      path: '/operations/:id',
      operationId: 'getOperation',
      needs: 'view',
      subject: 'operation',
      summary: 'A verification, a restore or a change of copies, running or ended.',
      query: operationRunSchema,
      status: 200,
      answer: operationSchema,
      errors: ['OPERATION_MISSING'],
      run: async ({ params, query }) => ({
        content: await operations.get(params.id ?? '', query.run),
      }),
    }),
    jsonRoute({
      method: 'post',
      path: '/operations/:id/stop',
      operationId: 'stopOperation',
      needs: 'halt',
      subject: 'operation',
      summary:
        'End a verification or a restore. What it has read or written is kept: ordered again it goes on from there.',
      query: operationRunSchema,
      body: stopRequestSchema,
      status: 202,
      answer: operationSchema,
      errors: ['OPERATION_MISSING', 'OPERATION_ENDED', 'OPERATION_UNSTOPPABLE'],
      run: async ({ params, query, body: { reason }, caller }) => {
        const id = params.id ?? '';
        await operations.stop(id, { by: caller.name, reason }, query.run);
        return { content: await operations.get(id, query.run) };
      },
    }),
  ];
}
