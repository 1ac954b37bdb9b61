import { beforeEach, describe, expect, it } from 'vitest';
import { assertOwnCopies, claimCopies } from '../../../../src/chain/sessions/copies-owner.js';
import {
  readJobDefinition,
  writeJobDefinition,
} from '../../../../src/chain/sessions/session-record.js';
import { BackupError } from '../../../../src/domain/errors.js';
import { putChainRecord, putFile } from '../../../support/repository/chain-record-file.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';

const OWN = testJob({ origin: 'this one' });

describe('what lies under the id of a job', () => {
  let target: SimulatedRepository;
  beforeEach(async () => {
    target = new SimulatedRepository('offsite');
    await putChainRecord(target, { jobId: OWN.id, workload: 'mail01', pointIds: ['2026'] });
  });

  it('is its own where its definition lies, or none', async () => {
    await assertOwnCopies(target, OWN);
    await writeJobDefinition(target, OWN);
    await assertOwnCopies(target, OWN);
  });

  it('is not known to be its own beside a definition that is damaged', async () => {
    for (const text of ['', '{', '{"longhaulJob":2,"job":{}}']) {
      await putFile(target, 'nightly/job.json', text);
      await expect(assertOwnCopies(target, OWN)).rejects.toMatchObject({
        code: 'COPIES_OF_OTHER_JOB',
        message: expect.stringContaining('cannot be read'),
      });
    }
  });

  it("is nobody's where a damaged definition lies beside sessions and empty folders alone", async () => {
    const empty = new SimulatedRepository('offsite');
    await putFile(empty, 'nightly/job.json', '{');
    await putFile(empty, 'nightly/sessions/2026/s.json', '{');
    await empty.makePlace('nightly/mail01/.leases');
    await assertOwnCopies(empty, OWN);
  });

  it('is claimed where nobody does, and only by who takes it over where somebody does', async () => {
    await claimCopies(target, OWN, { definition: OWN });
    expect(await readJobDefinition(target, OWN.id)).toEqual(OWN);
    const other = { ...OWN, origin: 'another one' };
    await expect(claimCopies(target, other, { definition: other })).rejects.toMatchObject({
      code: 'COPIES_OF_OTHER_JOB',
    });
    expect(await readJobDefinition(target, OWN.id)).toEqual(OWN);
    await claimCopies(target, other, { takeOver: true });
    expect(await readJobDefinition(target, OWN.id)).toEqual(OWN);
    await claimCopies(target, other, { definition: other, takeOver: true });
    expect(await readJobDefinition(target, OWN.id)).toEqual(other);
  });

  it.each(['REPOSITORY_IO_ERROR', 'REPOSITORY_ACCESS_DENIED', 'REPOSITORY_UNREACHABLE'] as const)(
    'is not judged while its definition cannot be read: %s',
    async (code) => {
      await writeJobDefinition(target, { ...OWN, origin: 'another one' });
      target.openRead = () => Promise.reject(new BackupError(code, 'job.json cannot be read'));
      await expect(assertOwnCopies(target, OWN)).rejects.toMatchObject({ code });
    },
  );
});
