import { describe, expect, it } from 'vitest';
import {
  judgeStorage,
  type StorageAbilities,
} from '../../../../src/domain/targets/storage-probe.js';

const EXT4: StorageAbilities = {
  readAfterWrite: true,
  renameOver: true,
  fileSync: true,
  folderSync: true,
  sparseFiles: true,
  caseSensitive: true,
  accentSensitive: true,
  modifiedTimeStepNs: 1,
  longestNameBytes: 255,
};

describe('judgeStorage', () => {
  it('finds nothing to say about a storage that can do everything', () => {
    expect(judgeStorage(EXT4, 'required')).toEqual({ faults: [], warnings: [] });
  });

  it.each<[keyof StorageAbilities, Partial<StorageAbilities>]>([
    ['readAfterWrite', { readAfterWrite: false }],
    ['renameOver', { renameOver: false }],
    ['fileSync', { fileSync: false }],
    ['folderSync', { folderSync: false }],
    ['longestNameBytes', { longestNameBytes: 143 }],
  ])('refuses a target without %s', (_ability, missing) => {
    const { faults, warnings } = judgeStorage({ ...EXT4, ...missing }, 'required');
    expect(faults).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  it('accepts a target that cannot sync folders when the setting says so, and warns', () => {
    const { faults, warnings } = judgeStorage({ ...EXT4, folderSync: false }, 'unavailable');
    expect(faults).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('a power cut may take restore points')]);
  });

  it.each<[keyof StorageAbilities, Partial<StorageAbilities>]>([
    ['sparseFiles', { sparseFiles: false }],
    ['caseSensitive', { caseSensitive: false }],
    ['accentSensitive', { accentSensitive: false }],
    ['modifiedTimeStepNs', { modifiedTimeStepNs: 2_000_000_000 }],
  ])('warns of %s alone', (_ability, weak) => {
    const { faults, warnings } = judgeStorage({ ...EXT4, ...weak }, 'required');
    expect(faults).toEqual([]);
    expect(warnings).toHaveLength(1);
  });
});
