import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDocument, ROOT } from './markdown.js';

interface Guarantee {
  readonly number: number;
  readonly text: string;
  readonly proofs: readonly { readonly path: string; readonly title: string }[];
}

function guarantees(): Guarantee[] {
  const [, section = ''] = readDocument('README.md').split('\n## What it guarantees\n');
  const [body = ''] = section.split('\n## ');
  return body
    .split(/\n(?=\d+\. )/)
    .slice(1)
    .map((text) => ({
      number: Number.parseInt(text, 10),
      text,
      proofs: [...text.matchAll(/`(test\/[^`]+)` "([^"]+)"/g)].map(([, path = '', title = '']) => ({
        path,
        title,
      })),
    }));
}

describe('each guarantee of the README', () => {
  it('is numbered in order', () => {
    const numbers = guarantees().map(({ number }) => number);
    expect(numbers.length).toBeGreaterThan(5);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it.each(guarantees())('$number names its proof and the section that defines it', (guarantee) => {
    expect(guarantee.proofs).not.toEqual([]);
    expect(guarantee.text).toMatch(/\]\(docs\/[\w/]+\.md#[\w-]+\)/);
  });

  it.each(guarantees().flatMap(({ proofs }) => proofs))(
    'is proved by a test that exists: $path, $title',
    ({ path, title }) => {
      expect(existsSync(join(ROOT, path))).toBe(true);
      expect(readDocument(path)).toMatch(new RegExp(`\\(\\s*'${escaped(title)}',`));
    },
  );
});

function escaped(title: string): string {
  return title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
