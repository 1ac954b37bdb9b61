import { describe, expect, it } from 'vitest';
import { openVmdkImage } from '../../../../src/image/vmdk/vmdk-image.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { descriptorText } from '../../../support/image/vmdk-bytes.js';

/** A descriptor of one flat extent of 8 sectors, in whatever bytes. @returns the name that is asked for */
async function askedFor(descriptor: Buffer): Promise<string> {
  const asked: string[] = [];
  const image = await openVmdkImage(new MemoryBytes(descriptor), {
    open: (name) => {
      asked.push(name);
      return Promise.resolve(new MemoryBytes(Buffer.alloc(4_096, 7)));
    },
  });
  const bytes = Buffer.alloc(4_096);
  await image.read(bytes, 0, null);
  expect(bytes.equals(Buffer.alloc(4_096, 7))).toBe(true);
  return asked.join();
}

/** Bytes of names as iconv (glibc 2.36) gives them: `printf Büro | iconv -t CP1252 | xxd -p`. */
const BUERO_1252 = '42fc726f';
const ZHONGWEN_GBK = 'd6d0cec4';
/** 日表: its last byte is that of a backslash. */
const NICHIHYO_SJIS = '93fa955c';

function named(nameHex: string, encoding: string): Buffer {
  const text = descriptorText({
    extents: ['RW 8 FLAT "@-flat.vmdk" 0'],
    more: [`encoding="${encoding}"`],
  });
  const [before = '', after = ''] = text.split('@');
  return Buffer.concat([Buffer.from(before), Buffer.from(nameHex, 'hex'), Buffer.from(after)]);
}

describe('the descriptor of a VMDK', () => {
  it.each([
    ['Windows writes it', BUERO_1252, 'windows-1252', 'Büro-flat.vmdk'],
    ['Chinese Windows writes it', ZHONGWEN_GBK, 'GBK', '中文-flat.vmdk'],
    ['Japanese Windows writes it', NICHIHYO_SJIS, 'Shift_JIS', '日表-flat.vmdk'],
    ['ESX writes it', Buffer.from('Büro').toString('hex'), 'UTF-8', 'Büro-flat.vmdk'],
    [
      'QEMU writes it, whose word is not true',
      Buffer.from('Büro').toString('hex'),
      'windows-1252',
      'Büro-flat.vmdk',
    ],
    ['nobody knows the word for it', BUERO_1252, 'x-of-nobody', 'B\ufffdro-flat.vmdk'],
  ])('names its extent as %s', async (_who, nameHex, encoding, name) => {
    expect(await askedFor(named(nameHex, encoding))).toBe(name);
  });

  const plain = descriptorText({ extents: ['RW 8 FLAT "a-flat.vmdk" 0'] });
  it.each([
    ['lines of Windows', plain.replaceAll('\n', '\r\n')],
    ['lines of old Macs', plain.replaceAll('\n', '\r')],
    ['a mark of UTF-8 before it', `\ufeff${plain}`],
    ['blanks and tabs', plain.replace('RW 8 FLAT', ' \tRW\t8  FLAT')],
    ['one line twice', `${plain}ddb.adapterType = "lsilogic"\n`],
    [
      'keys that no page names',
      `${plain}ddb.uuid.image="60a"\nddb.io-filters = "x"\nchangeTrackPath="a-ctk.vmdk"\n`,
    ],
  ])('is read with %s', async (_what, text) => {
    expect(await askedFor(Buffer.from(text))).toBe('a-flat.vmdk');
  });

  it.each([
    ['too long for a copy', `vmware:key/list/${'a'.repeat(5_000)}`],
    ['in no form of theirs', 'Büro'],
  ])('is refused when it has keys %s', async (_what, keys) => {
    const text = `${plain}encryptionKeys="${keys}"\n`;
    await expect(askedFor(Buffer.from(text))).rejects.toMatchObject({ code: 'IMAGE_ENCRYPTED' });
  });

  it('keeps the filters of an encrypted disk alone', async () => {
    const dialectWith = async (line: string) => {
      const source = new MemoryBytes(Buffer.from(`${plain}${line}\n`));
      const flat = { open: () => Promise.resolve(new MemoryBytes(Buffer.alloc(4_096))) };
      return (await openVmdkImage(source, flat)).dialect;
    };
    expect(await dialectWith('ddb.iofilters = "vmwarevmcrypt"')).toMatchObject({
      encryption: { 'ddb.iofilters': 'vmwarevmcrypt' },
    });
    expect(await dialectWith('ddb.iofilters = "acmecache"')).not.toHaveProperty('encryption');
  });

  it('is refused when it says one thing in two ways', async () => {
    const text = `${plain}ddb.adapterType = "ide"\n`;
    await expect(askedFor(Buffer.from(text))).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
  });
});
