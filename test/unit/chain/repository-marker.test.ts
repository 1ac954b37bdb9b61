import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { markRepository, readMarker } from '../../../src/chain/repository-marker.js';
import { openDirectoryRepository } from '../../../src/repository/directory-repository.js';

/** RFC 9562, version 4. */
const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

let rootPath: string;
beforeEach(() => {
  rootPath = mkdtempSync(join(tmpdir(), 'longhaul-marker-'));
});
afterEach(() => rmSync(rootPath, { recursive: true }));

const open = () => openDirectoryRepository({ id: 'offsite', rootPath, readOnly: false });
const markerFile = () => join(rootPath, '.longhaul', 'repository.json');

it('gives a target one random id, however many ask at once, and keeps it', async () => {
  const repository = await open();
  expect(await readMarker(repository)).toBeNull();

  const ids = await Promise.all(
    Array.from({ length: 8 }, async () => markRepository(await open())),
  );

  expect(new Set(ids).size).toBe(1);
  expect(ids[0]).toMatch(UUID);
  expect(JSON.parse(readFileSync(markerFile(), 'utf8'))).toEqual({ id: ids[0] });
  expect(await markRepository(repository)).toBe(ids[0]);
  expect(await readMarker(repository)).toEqual({ id: ids[0] });
  expect(readdirSync(join(rootPath, '.longhaul'))).toEqual(['repository.json']);
});

it.each(['', '{"id": "6f1c', '{"id": 7}', '{"id": "../elsewhere"}', 'null'])(
  'makes a marker anew that was left as %j',
  async (left) => {
    mkdirSync(join(rootPath, '.longhaul'));
    writeFileSync(markerFile(), left);

    const id = await markRepository(await open());

    expect(id).toMatch(UUID);
    expect(await readMarker(await open())).toEqual({ id });
  },
);
