import { describe, expect, it } from 'vitest';
import { placesInTree, treeFault, treePathFault } from '../../../../src/domain/trees/tree-path.js';

describe('treePathFault', () => {
  it.each([
    'vda.qcow2',
    'WindowsImageBackup/HOST/Backup 2026-01-01 010101/1b2c.vhdx',
    'vda.inc.virtnbdbackup.1.data',
    'Maschine Büro/Ümlaut.vmx',
    '..hidden',
    'disk 2026-01-01T01:02:03.raw',
  ])('takes %s', (path) => {
    expect(treePathFault(path)).toBeNull();
  });

  it.each([
    ['', 'is empty, absolute or has an empty part'],
    ['/etc/passwd', 'is empty, absolute or has an empty part'],
    ['a//b', 'is empty, absolute or has an empty part'],
    ['a/', 'is empty, absolute or has an empty part'],
    ['../escaped', 'has the part ".."'],
    ['a/../../escaped', 'has the part ".."'],
    ['./a', 'has the part "."'],
    ['a\\b', 'has a character that no name may have'],
    ['a\u0000b', 'has a character that no name may have'],
    ['a\nb', 'has a character that no name may have'],
    ['a\u009bb', 'has a character that no name may have'],
    ['a\ud800b', 'has a character that no name may have'],
    ['ä'.repeat(128), 'has a part of more than 255 bytes'],
    ['abc/'.repeat(300), 'has more than 1024 bytes'],
  ])('refuses %j', (path, fault) => {
    expect(treePathFault(path)).toBe(fault);
  });
});

describe('treeFault', () => {
  it('lets files of one name lie in different folders', () => {
    expect(treeFault(['a/disk.vhdx', 'b/disk.vhdx', 'disk.vhdx'])).toBeNull();
  });

  it.each([
    [['a', 'a'], 'two of its files have the names "a" and "a"'],
    [['Disk.vhdx', 'disk.VHDX'], 'two of its files have the names "Disk.vhdx" and "disk.VHDX"'],
    [['u\u0308', '\u00fc'], 'two of its files have the names "u\u0308" and "\u00fc"'],
    [['a/b/c', 'A'], '"A" is one of its files, and a folder in "a/b/c"'],
    [['ok', '../a'], 'the name "../a" has the part ".."'],
  ])('refuses %j', (paths, fault) => {
    expect(treeFault(paths)).toBe(fault);
  });
});

describe('placesInTree', () => {
  it('gives each file the name that its layout says, or that it has', () => {
    const files = [
      { path: 'vm/7/x.vhdx', as: 'Virtual Hard Disks/x.vhdx' },
      { path: 'vm/7/vm.xml' },
    ];
    expect(placesInTree(files)).toEqual(['Virtual Hard Disks/x.vhdx', 'vm.xml']);
  });

  it('numbers what would have a name that another file has, and encodes what is no name', () => {
    const files = [
      { path: 'a/log' },
      { path: 'b/LOG' },
      { path: 'c/one', as: 'other' },
      { path: 'd/other' },
      { path: 'e/f\nile' },
      { path: 'f/other2', as: '2-LOG' },
    ];
    const places = placesInTree(files);
    expect(places).toEqual(['log', '3-LOG', 'other', '2-other', 'f%0Aile', '2-LOG']);
    expect(treeFault(places)).toBeNull();
  });
});
