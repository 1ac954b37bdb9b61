import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorOf, DOCUMENTS, headings, inlineCode, readDocument, ROOT } from './markdown.js';

/** `docs/adr` from `docs/ARCHITECTURE.md`, as a path in the repository; links to other sites are none of ours. */
function localLinks(document: string): { path: string; anchor: string }[] {
  const links = [...readDocument(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => to);
  return links
    .filter((to) => !/^[a-z]+:/.test(to))
    .map((to) => {
      const [path = '', anchor = ''] = to.split('#');
      return {
        path: path === '' ? document : normalize(join(dirname(document), path)),
        anchor,
      };
    });
}

const FOLDERS = /^(src|workflows|activities|test|docs|deploy|scripts|bench|\.ci)\/[\w./-]+$/;

function sourceFiles(): string[] {
  return ['src', 'workflows', 'activities', 'test/support', 'test/conformance'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name)),
  );
}

describe('the documents', () => {
  it.each(DOCUMENTS)('%s links to files and sections that are there', (document) => {
    const broken = localLinks(document).filter(({ path, anchor }) => {
      if (!existsSync(join(ROOT, path))) return true;
      return anchor !== '' && !headings(readDocument(path)).map(anchorOf).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it.each(DOCUMENTS)('%s names only paths of the repository that are there', (document) => {
    const paths = inlineCode(readDocument(document)).filter((code) => FOLDERS.test(code));
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('have every section that a comment in the code refers to', () => {
    const missing: string[] = [];
    for (const file of sourceFiles()) {
      const citations = readDocument(file).matchAll(/(docs\/[A-Z]+\.md), ([A-Z][\w ]+?)[):.;,]/g);
      for (const [, document = '', title = ''] of citations)
        if (!existsSync(join(ROOT, document)) || !headings(readDocument(document)).includes(title))
          missing.push(`${file}: ${document}, ${title}`);
    }
    expect(missing).toEqual([]);
  });

  it('are found by this test: a section that is not there is missed', () => {
    expect(headings('# A\n\n## What it does not\n').map(anchorOf)).toEqual([
      'a',
      'what-it-does-not',
    ]);
  });
});
