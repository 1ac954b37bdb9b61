import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Request, Response } from 'express';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { routesOf } from '../../../src/api/create-api.js';
import { parseConfig } from '../../../src/config/load-config.js';
import { MemorySchedules } from '../../support/temporal/memory-schedules.js';

const SECRET = 'T0p-s3cret';
const FILES = ['token', 'url', 'password', 'oidc'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhaul-secrets-'));
  for (const name of FILES) writeFileSync(join(folder, name), `https://example.com/${SECRET}\n`);
});
afterEach(() => rmSync(folder, { recursive: true }));

const CONFIG = `
server: { tokenFile: ./token }
repositories:
  - { id: primary, path: /mnt/primary, role: primary }
  - { id: offsite, path: /mnt/offsite, role: target }
notifications:
  channels:
    - { id: night, kind: mail, host: smtp.example.com, username: longhaul, passwordFile: ./password, from: a@example.com, to: [b@example.com] }
    - { id: phone, kind: gotify, urlFile: ./url }
    - { id: alive, kind: ping, urlFile: ./url }
`;

it.each(['getSystem', 'listNotificationChannels', 'getLimits'])(
  'what %s gives to a support bundle holds no secret, only where each lies',
  async (operationId) => {
    const config = parseConfig(CONFIG, { name: 'test', folder, environment: {} });
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const routes = routesOf({
      ...{ client: new MemorySchedules().client(), token: SECRET, now: () => 0, logger: quiet },
      ...{ config, timeZone: 'UTC' },
    });
    const route = routes.find((each) => each.operationId === operationId)!;
    let answer = '';
    const response = {
      ...{ locals: { caller: { name: 'anna', role: 'administrator', scope: null } } },
      ...{ get: () => undefined, status: () => response, set: () => response },
      json: (content: unknown) => void (answer = JSON.stringify(content)),
    };
    const request = { params: {}, query: {}, get: () => undefined, header: () => undefined };
    await route.handle(request as unknown as Request, response as unknown as Response);
    expect(answer).not.toBe('');
    expect(answer).not.toContain(SECRET);
  },
);
