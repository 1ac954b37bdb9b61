import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobDefinitionSchema } from '../../../src/api/jobs/job-schemas.js';
import { withTimeZones } from '../../../src/api/jobs/job-time-zone.js';
import { parseConfig } from '../../../src/config/load-config.js';
import { jobFaults } from '../../../src/domain/jobs/job-rules.js';
import { openCommandBench, type CommandBench } from '../cli/command-bench.js';
import { documentedRoutes, isRoute } from './documented-routes.js';
import { codeBlocks, inlineCode, readDocument } from './markdown.js';

const SHOWN_IN = ['README.md', 'docs/OPERATIONS.md'];
const BASE = 'http://127.0.0.1:8420/api/v1';

/** Shell lines of a document, with continued quotes joined. */
function shellLines(document: string): string[] {
  return codeBlocks(readDocument(document), 'sh').flatMap((block) =>
    (block.match(/(?:'[^']*'|[^\n'])+/g) ?? []).map((line) => line.replace(/ +#.*$/, '').trim()),
  );
}

/** Words behind `longhaul`, without redirections and the `&` at the end. The error table is not looked at: its hints name commands. */
function longhaulCommands(document: string): string[][] {
  const prose = readDocument(document).replaceAll(/^\| `[A-Z_]+` .*$/gm, '');
  const lines = [...shellLines(document), ...inlineCode(prose)];
  return lines.flatMap((line) => {
    const command = /^(?:npx )?longhaul ([^|&]+)/.exec(line.replaceAll(/ \d?>\S*/g, ''))?.[1];
    return command === undefined ? [] : [command.trim().split(/\s+/).map(withoutQuotes)];
  });
}

function withoutQuotes(word: string): string {
  return word.replaceAll(/["'[\]…]/g, '').replace('$session', 'nightly-20261124T220000Z');
}

function curlRequests(document: string): { method: string; path: string; body: string | null }[] {
  return shellLines(document).flatMap((line) => {
    const call = /curl [^|)]*?(http\S+)/.exec(line)?.[1];
    if (call === undefined) return [];
    const method = /-X (\w+)/.exec(line)?.[1] ?? 'GET';
    const body = /-d '([^']*)'/.exec(line)?.[1] ?? null;
    return [{ method, path: call.replace(BASE, ''), body }];
  });
}

const config = parseConfig(codeBlocks(readDocument('README.md'), 'yaml')[0] ?? '', {
  name: 'README.md',
  folder: '/clone',
  environment: {},
});

describe('the README', () => {
  it('names npm scripts that package.json has', () => {
    const { scripts } = JSON.parse(readDocument('package.json')) as {
      scripts: Record<string, string>;
    };
    const named = shellLines('README.md')
      .join('\n')
      .matchAll(/npm (?:run )?(\w[\w:-]*)/g);
    const names = new Set([...named].map(([, name = '']) => name));
    expect([...names].sort()).toEqual(['ci', 'demo', 'test']);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['demo', 'test']));
  });

  it('shows a configuration of two repositories that is accepted', () => {
    expect(config.repositories.map(({ id, role }) => [id, role])).toEqual([
      ['primary', 'primary'],
      ['offsite', 'target'],
    ]);
  });

  it('makes a job that the API accepts with that configuration', () => {
    const [body] = curlRequests('README.md').flatMap((request) => request.body ?? []);
    const definition = jobDefinitionSchema.parse(JSON.parse(body ?? ''));
    expect(definition.id).toBe('nightly-off-site');
    const job = { ...withTimeZones(definition, 'UTC'), revision: 1, replaces: null };
    expect(jobFaults(job, config.repositories)).toEqual([]);
  });
});

describe('the contributor’s page', () => {
  it('names the programs of package.json that are run by hand, and no others', () => {
    const { scripts } = JSON.parse(readDocument('package.json')) as {
      scripts: Record<string, string>;
    };
    const named = [...readDocument('CONTRIBUTING.md').matchAll(/npm run (\w[\w:-]*)/g)];
    const names = new Set(named.map(([, name = '']) => name));
    const programs = Object.keys(scripts).filter((name) =>
      scripts[name]?.startsWith('tsx scripts/'),
    );
    expect([...names]).toEqual(expect.arrayContaining(programs));
    expect(programs.length).toBeGreaterThanOrEqual(4);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining([...names]));
  });
});

describe('the commands of the documents', () => {
  let routes: string[];
  let bench: CommandBench;
  beforeAll(async () => {
    routes = await documentedRoutes(config);
    bench = await openCommandBench();
  });
  afterAll(() => bench.close());

  it.each(SHOWN_IN)('of %s send curl only to routes of the API', (document) => {
    const requests = curlRequests(document);
    const servers = /^\/(healthz|readyz|metrics)$/;
    const unknown = requests.filter(
      ({ method, path }) =>
        !isRoute(routes, method, path) && !servers.test(path.replace(/^http:\/\/[^/]+/, '')),
    );
    expect(unknown).toEqual([]);
    if (document === 'README.md') expect(requests).toHaveLength(2);
  });

  it.each(SHOWN_IN)(
    'of %s are commands of the program, and send to its routes',
    async (document) => {
      const commands = longhaulCommands(document);
      expect(commands.length).toBeGreaterThan(4);
      for (const words of commands) {
        const before = bench.seen.length;
        const { code, err } = await bench.run(words);
        expect(code, `longhaul ${words.join(' ')}: ${err}`).not.toBe(2);
        for (const { method, path } of bench.seen.slice(before))
          expect(isRoute(routes, method, path), `${method} ${path}`).toBe(true);
      }
    },
  );

  it('would be refused when the program does not have them', async () => {
    expect((await bench.run(['restore', 'offsite', 'x', '--into', 'y'])).code).toBe(2);
    expect(isRoute(routes, 'POST', '/jobs/nightly/begin')).toBe(false);
  });
});
