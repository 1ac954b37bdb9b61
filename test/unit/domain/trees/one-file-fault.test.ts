import { expect, it } from 'vitest';
import {
  faultOfSourceFile,
  faultOfTargetFile,
} from '../../../../src/domain/trees/one-file-fault.js';
import { isUnreadable, type BackupError } from '../../../../src/domain/errors.js';
import { isOfOneFile } from '../../../../src/domain/targets/unreadable-part.js';
import { storageError } from '../../../../src/repository/storage-error.js';

/** Meanings of the numbers: errno(3), open(2), rename(2) of Linux. */
function said(errno: string, intent: 'read' | 'write'): unknown {
  const error = Object.assign(new Error(errno), { errno: -1, code: errno });
  return storageError(error, { repositoryId: 'r', intent, verb: 'open', path: 'a/b' });
}

it.each([
  ['EACCES', 'denied'],
  ['EPERM', 'denied'],
  ['EIO', 'unreadable'],
  ['EUCLEAN', 'unreadable'],
  ['EBUSY', 'unreadable'],
  ['ELOOP', 'unreadable'],
  ['EINVAL', 'unreadable'],
  ['ENOTSUP', null],
  ['EMFILE', null],
  ['ENFILE', null],
  ['ENOMEM', null],
  ['EAGAIN', null],
  ['ESTALE', null],
  ['ETIMEDOUT', null],
  ['ENOTCONN', null],
  ['ENODEV', null],
])('a source that answers %s says of the one file: %s', (errno, fault) => {
  expect(faultOfSourceFile(said(errno, 'read'))).toBe(fault);
});

it.each([
  ['EIO', true],
  ['EBADMSG', true],
  ['EMFILE', false],
  ['ENFILE', false],
  ['ENOMEM', false],
  ['EAGAIN', false],
  ['ESTALE', false],
])('of a read that ends with %s the place counts as unreadable: %s', (errno, expected) => {
  expect(isUnreadable(said(errno, 'read'))).toBe(expected);
  expect(isOfOneFile(said(errno, 'read') as BackupError)).toBe(expected);
});

it.each([
  ['ENAMETOOLONG', 'nameRefused'],
  ['EILSEQ', 'nameRefused'],
  ['EINVAL', 'nameRefused'],
  ['EISDIR', 'nameRefused'],
  ['ENOTDIR', 'nameRefused'],
  ['EFBIG', 'sizeRefused'],
  ['EACCES', 'writeRefused'],
  ['EPERM', 'writeRefused'],
  ['EROFS', null],
  ['ENOSPC', null],
  ['EDQUOT', null],
  ['EIO', null],
  ['EMFILE', null],
  ['ENOMEM', null],
  ['ESTALE', null],
  ['ETIMEDOUT', null],
  ['ENOTCONN', null],
])('a target that answers %s says of the one file: %s', (errno, fault) => {
  expect(faultOfTargetFile(said(errno, 'write'))).toBe(fault);
});

it('a bug is no fault of a file', () => {
  expect([faultOfSourceFile(new Error('x')), faultOfTargetFile(new Error('x'))]).toEqual([
    ...[null, null],
  ]);
});
