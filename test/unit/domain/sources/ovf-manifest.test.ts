import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../../../src/domain/sources/ovf-manifest.js';

describe('parseManifest', () => {
  it('reads the forms that tools write', () => {
    const text = 'SHA1(a b.ovf)= AB\r\nSHA256 (c(1).vmdk) = 0f\nSHA512(d)=11\n# none\n\n';
    expect(parseManifest(text)).toEqual([
      { algorithm: 'SHA1', name: 'a b.ovf', digest: 'ab' },
      { algorithm: 'SHA256', name: 'c(1).vmdk', digest: '0f' },
      { algorithm: 'SHA512', name: 'd', digest: '11' },
    ]);
  });
});
