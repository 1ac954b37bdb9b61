import { describe, expect, it } from 'vitest';
import { decodeText } from '../../../../src/domain/sources/decode-text.js';

/** Bytes of "ä" and "网" by Unicode 15, windows-1252 and GBK (WHATWG Encoding, index tables). */
const XML = '<?xml version="1.0" encoding="';

describe('the text of a file', () => {
  it.each<[string, string, string]>([
    ['UTF-8', 'c3a4', 'ä'],
    ['UTF-8 with a mark', 'efbbbfc3a4', 'ä'],
    ['UTF-16 LE with a mark', 'fffee400', 'ä'],
    ['UTF-16 BE with a mark', 'feff00e4', 'ä'],
    ['UTF-16 LE that begins as XML does', '3c00e400', '<ä'],
    ['UTF-16 BE that begins as XML does', '003c00e4', '<ä'],
    ['none that it names', '61e4', 'a\ufffd'],
  ])('is read as %s', (_, hex, text) => {
    expect(decodeText(Buffer.from(hex, 'hex'))).toBe(text);
  });

  it.each<[string, string, string, string]>([
    [`${XML}ISO-8859-1"?><a>`, 'e4', 'ä', 'an XML document'],
    ['.encoding = "windows-1252"\nname = "', 'e4', 'ä', 'a definition of VMware'],
    ['# Disk DescriptorFile\nencoding="GBK"\n', 'cdf8', '网', 'a descriptor of VMware'],
    [`${XML}UTF-16"?><a>`, 'c3a4', 'ä', 'one that says UTF-16 and is UTF-8'],
    [`${XML}klingon"?><a>`, 'e4', '\ufffd', 'one in an encoding that nobody knows'],
  ])('is read as %j says, before %s', (head, hex, text) => {
    const bytes = Buffer.concat([Buffer.from(head), Buffer.from(hex, 'hex')]);
    expect(decodeText(bytes)).toBe(`${head}${text}`);
  });
});
