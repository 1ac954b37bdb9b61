import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importCircles } from './import-circles.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROBES = fileURLToPath(new URL('./probes', import.meta.url));

describe('imports', () => {
  it('go in no circle, not even for types', () => {
    const files = ['src', 'activities', 'workflows', 'bench', 'scripts'].flatMap((folder) =>
      filesIn(ROOT, folder),
    );
    expect(files.length).toBeGreaterThan(900);
    expect(importCircles(ROOT, files)).toEqual([]);
  });

  it('that go in a circle are seen', () => {
    expect(importCircles(PROBES, filesIn(PROBES, 'src/mover'))).toEqual([
      ['src/mover/circle-of-types-one.ts', 'src/mover/circle-of-types-two.ts'],
      ['src/mover/cycle-one.ts', 'src/mover/cycle-two.ts'],
    ]);
  });
});

function filesIn(root: string, folder: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => /\.tsx?$/.test(name)).map((name) => join(folder, name));
}
