import { describe, expect, it } from 'vitest';
import { refusalsOf } from '../../../src/api/access/guarded-routes.js';
import type { Caller } from '../../../src/domain/access/access.js';
import { refusalIn } from '../../../src/dashboard/client/refusal-in.js';
import { realRoutes } from '../../support/api/real-routes.js';

const viewer: Caller = {
  ...{ name: 'anna', role: 'viewer', scope: null, subject: null, expiresAt: null },
};
const routes = realRoutes();

describe('what a page refuses somebody beforehand', () => {
  const refusals = refusalsOf(viewer, routes);
  const operator = refusalsOf({ ...viewer, role: 'operator' }, routes);

  it.each([
    ['POST', '/jobs/nightly/start', null, 'anna is viewer; this needs operator or administrator'],
    ['POST', '/jobs/nightly/start', 'takeOver', 'anna is viewer; this needs administrator'],
    ['DELETE', '/jobs/import', null, 'anna is viewer; this needs administrator'],
    ['POST', '/repositories/offsite/restore-points/a%2Fb/restore', null, expect.any(String)],
    ['POST', '/operations/verify.offsite.all/stop?run=1', null, expect.any(String)],
    ['GET', '/jobs/nightly', null, null],
    ['POST', '/jobs/nightly/changes', null, null],
    ['POST', '/no/such/route', null, null],
  ])('is what the server would refuse: %s %s %s', (method, path, field, reason) => {
    expect(refusalIn(refusals, { method, path, field })).toEqual(reason);
  });

  it('is the tick of a start alone where the start itself is allowed', () => {
    const call = { method: 'POST', path: '/jobs/nightly/start' };
    expect(refusalIn(operator, { ...call, field: null })).toBeNull();
    expect(refusalIn(operator, { ...call, field: 'takeOver' })).toContain('needs administrator');
  });

  it('is never that of another route', () => {
    const wrong = routes.filter(({ method, path, operationId }) => {
      const address = path.replaceAll(/:\w+/g, 'some-1');
      const others = refusals.filter((refusal) => refusal.operationId !== operationId);
      const call = { method: method.toUpperCase(), path: address, field: null };
      return refusalIn(others, call) !== null;
    });
    expect(wrong).toEqual([]);
  });
});
