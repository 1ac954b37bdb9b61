import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseChainRecord } from '../../../src/chain/chain-record-document.js';
import {
  digestEntryOffset,
  readDigestTableHeader,
} from '../../../src/chain/digests/digest-table.js';
import { pathSegment, pointFolderName } from '../../../src/domain/targets/path-segment.js';
import { writeStagedJson } from '../../../src/mover/staging/copy-plan.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { codeBlocks, readDocument, tableRows } from './markdown.js';

const FORMAT = readDocument('docs/FORMAT.md');

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The worked example, from its hex dump. */
function exampleTable(): Buffer {
  const [dump = ''] = codeBlocks(FORMAT, 'hex');
  const bytes = dump
    .trim()
    .split('\n')
    .map((line) => line.slice('00000000'.length).replaceAll(' ', ''));
  return Buffer.from(bytes.join(''), 'hex');
}

describe('docs/FORMAT.md', () => {
  it('says which version the JSON files of unfinished work have', async () => {
    const repository = new SimulatedRepository();
    await writeStagedJson(repository, 'plan.json', { token: '' });
    const start = (await readWholeFile(repository, 'plan.json', 1000))!.toString().split(',')[0]!;
    expect(FORMAT).toContain(`\`{ ${start.slice(1).replace(':', ': ')}, "digest", "content" }\``);
  });

  it('numbers the rules of order that the source cites, each of them', () => {
    const numbered = [...FORMAT.matchAll(/^\| ([WDL]\d)\. /gm)].map(([, rule]) => rule!);
    const cited = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .flatMap((path) => [
        ...readFileSync(`src/${path}`, 'utf8').matchAll(/docs\/FORMAT\.md, Order, ([^).]+)/g),
      ])
      .flatMap(([, rules]) => rules!.match(/[WDL]\d/g) ?? []);

    expect(numbered.length).toBeGreaterThanOrEqual(10);
    expect([...new Set(cited)].sort()).toEqual(numbered.sort());
  });

  it('shows a digest table whose bytes are where its byte table says', () => {
    const table = exampleTable();
    const field = (name: string) => {
      const row = tableRows(FORMAT, 'Offset').length === 0 ? [] : digestTableRow(name);
      return { offset: Number(row[0]), size: Number(row[1]) };
    };
    const magic = field('magic');
    expect(table.toString('latin1', magic.offset, magic.offset + magic.size)).toBe('LHDIGEST');
    const numbers: Record<string, number> = {};
    for (const name of ['version', 'algorithm', 'unit size', 'digest size'])
      numbers[name] = table.readUInt32LE(field(name).offset);
    for (const name of ['file size in bytes', 'number of units'])
      numbers[name] = Number(table.readBigUInt64LE(field(name).offset));
    expect(numbers).toEqual({
      version: 1,
      algorithm: 1,
      'unit size': 65_536,
      'digest size': 32,
      'file size in bytes': 3 * 65_536,
      'number of units': 3,
    });
    const digests = [0, 1, 2].map((unit) => table.toString('hex', 64 + unit * 32, 96 + unit * 32));
    const units = ['L', 'H'].map((letter) => sha256(Buffer.alloc(65_536, letter)));
    expect(digests).toEqual([units[0], '00'.repeat(32), units[1]]);
    expect(table).toHaveLength(64 + 3 * 32);
    expect(FORMAT).toContain(`Its \`tableDigest\` is \`${sha256(table)}\`.`);
  });

  it('shows a digest table that the product reads', async () => {
    const table = exampleTable();
    const header = await readDigestTableHeader({
      path: 'example',
      read: async (target, offset) => table.copy(target, 0, offset),
      stamp: async () => ({
        sizeBytes: table.length,
        modifiedAtNs: '0',
        changedAtNs: '0',
        inode: '0',
      }),
      close: async () => undefined,
    });
    expect(header.algorithm).toBe('sha256');
    expect([header.units.fileSizeBytes, header.units.count]).toEqual([196_608, 3]);
    expect(digestEntryOffset(2)).toBe(128);
  });

  it('shows a commit record whose digest is right', () => {
    const [example = ''] = codeBlocks(FORMAT, 'json');
    const record = parseChainRecord(Buffer.from(example), 'example');
    expect(record).toMatchObject({ jobId: 'nightly', revision: 1, points: [], pending: null });
  });

  it('gives names the path segments that the product gives them', () => {
    const rows = tableRows(FORMAT, 'Name');
    expect(rows.length).toBeGreaterThan(4);
    for (const [name = '', segment] of rows) expect(pathSegment(name)).toBe(segment);
  });

  it('gives times the folders that the product gives them', () => {
    const rows = tableRows(FORMAT, 'Created');
    expect(rows).toHaveLength(2);
    for (const [created = '', folder] of rows)
      expect(pointFolderName(Date.parse(created))).toBe(folder);
  });
});

/** Row of the byte table of the digest table, by the name of its field. */
function digestTableRow(name: string): string[] {
  const [, section = ''] = FORMAT.split('\n## Digest table\n');
  return tableRows(section, 'Offset').find((cells) => cells[3] === name) ?? [];
}
