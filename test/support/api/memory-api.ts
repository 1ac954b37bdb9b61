import type { Request, Response } from 'express';
import { guardedRoutes } from '../../../src/api/access/guarded-routes.js';
import { routesOf } from '../../../src/api/create-api.js';
import { toProblem, type Problem } from '../../../src/api/problem.js';
import type { TokenScope } from '../../../src/domain/access/access.js';
import { parseConfig } from '../../../src/config/load-config.js';
import { MemorySchedules } from '../temporal/memory-schedules.js';

const CONFIG = `
repositories:
  - { id: primary, path: /mnt/primary, role: primary }
  - { id: offsite, path: /mnt/offsite, role: target }
  - { id: second, path: /mnt/second, role: target }
  - { id: vault, path: /mnt/vault, role: target }
  - { id: appliance, path: /mnt/appliance, role: primary, contents: storeonce }
`;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

interface Asked {
  readonly id?: string;
  readonly body?: unknown;
  readonly ifMatch?: string;
  /** What the token of who asks is bound to. */
  readonly scope?: TokenScope;
}

const NO_TRAIL = {
  placesOf: () => Promise.resolve([]),
  placesOfMade: () => [],
  keep: () => Promise.resolve(),
};

/** The routes of the API over Schedules in memory, for what needs neither a workflow nor a worker: each is asked by its name, by an administrator. */
export class MemoryApi {
  readonly schedules = new MemorySchedules();
  private readonly routes = guardedRoutes(
    routesOf({
      ...{ client: this.schedules.client(), token: null, now: () => 0, logger: quiet },
      config: parseConfig(CONFIG, { name: 'test', folder: '/etc', environment: {} }),
      timeZone: 'UTC',
    }),
    { trail: NO_TRAIL, now: () => 0 },
  );

  /** @returns content of the answer */
  async ask(operationId: string, { id, body, ifMatch, scope }: Asked = {}): Promise<unknown> {
    const route = this.routes.find((each) => each.operationId === operationId)!;
    const get = (name: string) => (name === 'If-Match' ? ifMatch : undefined);
    const request = { params: { id }, query: {}, body, get, header: get } as unknown as Request;
    let content: unknown = null;
    const response = {
      locals: { caller: { name: 'anna', role: 'administrator', scope: scope ?? null } },
      get: () => undefined,
      status: () => response,
      set: () => response,
      json: (answer: unknown) => void (content = answer),
      end: () => undefined,
    };
    await route.handle(request, response as unknown as Response);
    return content;
  }

  /** As the API tells of it. */
  async refusal(operationId: string, asked: Asked): Promise<Problem> {
    const error: unknown = await this.ask(operationId, asked).then(
      () => new Error(`${operationId} was not refused`),
      (fault: unknown) => fault,
    );
    return toProblem(error);
  }
}
