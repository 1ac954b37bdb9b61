import { expect, it } from 'vitest';
import { SilentLooks } from '../../../../src/api/repositories/silent-looks.js';
import {
  UNREACHABLE,
  type RepositoryDescription,
} from '../../../../src/domain/targets/repository-view.js';

const THERE: RepositoryDescription = { ...UNREACHABLE, reachable: true, reason: null };

/** Looks that end when the test says so. */
function looks() {
  const begun: ((description: RepositoryDescription) => void)[] = [];
  let now = 0;
  const silent = new SilentLooks(
    () => new Promise((resolve) => begun.push(resolve)),
    () => now,
    10,
  );
  return { silent, begun, pass: (ms: number) => (now += ms) };
}

it('shows a repository whose look takes long as not answering, with one look under way however often it is asked for', async () => {
  const { silent, begun, pass } = looks();
  const first = silent.describe('nas1');
  pass(5_000);
  expect(await first).toEqual({
    ...UNREACHABLE,
    reason: 'its storage, or its worker, has not answered for 5 s',
  });
  pass(3_595_000);
  for (let call = 0; call < 20; call += 1)
    expect(await silent.describe('nas1')).toMatchObject({
      reachable: false,
      reason: 'its storage, or its worker, has not answered for 3600 s',
    });
  expect(begun).toHaveLength(1);
});

it.each([
  ['answers', THERE],
  ['says why it does not', { ...UNREACHABLE, reason: 'no such folder' }],
])('looks again when the look has ended in vain, and believes what %s', async (_does, answer) => {
  const { silent, begun, pass } = looks();
  await silent.describe('nas1');
  pass(30_000);
  begun[0]!({ ...UNREACHABLE, reason: 'the look took too long' });
  await Promise.resolve();
  const again = silent.describe('nas1');
  begun[1]!(answer);
  expect(await again).toEqual(answer);
  const next = silent.describe('nas1');
  expect(begun).toHaveLength(3);
  begun[2]!(answer);
  expect(await next).toEqual(answer);
});

it('shows an answer that came late to the next who asks', async () => {
  const { silent, begun, pass } = looks();
  await silent.describe('nas1');
  pass(7_000);
  begun[0]!(THERE);
  await Promise.resolve();
  expect(await silent.describe('nas1')).toEqual(THERE);
  expect(begun).toHaveLength(1);
});

it('shows what the look says when it is soon there', async () => {
  const { silent, begun } = looks();
  const away = { ...UNREACHABLE, reason: 'no such folder' };
  const look = silent.describe('nas1');
  begun[0]!(away);
  expect(await look).toEqual(away);
});
