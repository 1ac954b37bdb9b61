import { beforeEach, describe, expect, it } from 'vitest';
import { takeChain } from '../../../src/chain/chain-store.js';
import { BY_A_RUN_BEFORE } from '../../../src/domain/sessions/kept-answers.js';
import { dropTakenNotes, withTakenNotes } from '../../../src/mover/change/taken-notes.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const CHAIN = 'nightly/web01';
const IDENTITY = {
  jobId: 'nightly',
  workload: { id: 'web01', name: 'web01', type: 'libvirt-kvm' },
} as const;
const before = (text: string) => `${BY_A_RUN_BEFORE}: ${text}`;

let repository: SimulatedRepository;
beforeEach(async () => {
  repository = new SimulatedRepository('offsite');
  await repository.makePlace(CHAIN);
});

const take = (owner: string, ...found: string[]) =>
  withTakenNotes({ repository, chain: CHAIN }, owner, found);
const own = (owner: string) => takeChain(repository, CHAIN, IDENTITY, owner, null);
const drop = (owner: string) =>
  dropTakenNotes(new InProcessMover(repository).context(), {
    ...{ targetRepositoryId: 'offsite', chain: CHAIN, owner },
  });

describe('what was found when a chain was taken over', () => {
  it('is told again by each attempt of the same owner, with what is found by then, once each', async () => {
    expect(await take('first')).toEqual([]);
    expect(await take('first', 'a was set aside')).toEqual(['a was set aside']);
    expect(await take('first')).toEqual(['a was set aside']);
    expect(await take('first', 'a was set aside', 'b too')).toEqual(['a was set aside', 'b too']);
    expect(await take('first')).toEqual(['a was set aside', 'b too']);
  });

  it('is told by the next owner as found before, however many came since', async () => {
    await take('first', 'a');
    expect(await take('second', 'b')).toEqual([before('a'), 'b']);
    expect(await take('third')).toEqual([before('a'), before('b')]);
    expect(await take('third')).toEqual([before('a'), before('b')]);
  });

  it('goes once its owner has told it, and by nobody else', async () => {
    await own('first');
    await take('first', 'a');
    await drop('second');
    expect(await take('first')).toEqual(['a']);
    await drop('first');
    expect(await take('first')).toEqual([]);

    await take('first', 'a');
    await own('second');
    await drop('first');
    // Of the owner before, and not told by this one yet.
    await drop('second');
    expect(await take('second')).toEqual([before('a')]);
  });
});
