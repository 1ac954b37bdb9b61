import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { runCommand } from '../../../src/cli/program.js';
import { parseConfig } from '../../../src/config/load-config.js';
import { folderOf } from '../../../src/config/repository-storage.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PINNED_IMAGE = /^[a-z0-9./-]+:\d+\.\d+[a-z0-9.-]*$/;

/** The part of the Compose specification that the file uses. Strict, so that a misspelt key is refused. */
const serviceSchema = z.strictObject({
  image: z.string(),
  build: z.literal('.').optional(),
  user: z.string().optional(),
  init: z.boolean().optional(),
  restart: z.enum(['unless-stopped', 'on-failure']),
  stop_grace_period: z
    .string()
    .regex(/^\d+s$/)
    .optional(),
  depends_on: z
    .record(
      z.string(),
      z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) }),
    )
    .optional(),
  environment: z.record(z.string(), z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  volumes: z
    .array(z.string().regex(/^[^:]+(:[?-][^}]+\})?:\/[^:]+(:(ro|rslave|ro,rslave))?$/))
    .optional(),
  ports: z.array(z.string()).optional(),
  secrets: z.array(z.string()).optional(),
  healthcheck: z
    .strictObject({
      test: z.array(z.string()).min(2),
      interval: z.string(),
      timeout: z.string(),
      retries: z.number(),
      start_period: z.string(),
    })
    .optional(),
});
const composeSchema = z.strictObject({
  name: z.string(),
  'x-longhaul': z.unknown(),
  'x-repository-folders': z.unknown(),
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.null()),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
});

const text = read('docker-compose.yml');
const compose = composeSchema.parse(parse(text, { merge: true }));
const services = Object.entries(compose.services);

describe('docker-compose.yml', () => {
  it('has every part of a cluster and one worker for each configured repository and for control', () => {
    expect(services.map(([name]) => name).sort()).toEqual([
      'longhaul-api',
      'longhaul-control',
      'longhaul-offsite',
      'longhaul-primary',
      'postgresql',
      'temporal',
      'temporal-namespace',
      'temporal-schema',
      'temporal-ui',
    ]);
  });

  it('pins every image to a version', () => {
    for (const [name, { image }] of services) {
      expect(image, name).toMatch(PINNED_IMAGE);
    }
  });

  it('runs server and admin-tools of Temporal at one version', () => {
    const tags = services
      .map(([, { image }]) => image.split(':'))
      .filter(([image]) => /^temporalio\/(server|admin-tools)$/.test(image ?? ''))
      .map(([, tag]) => tag);

    expect(new Set(tags)).toEqual(new Set(['1.32.0']));
  });

  it('reads exactly the variables that deploy/.env.example documents', () => {
    const read = new Set([...withoutComments().matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name));

    expect([...read].sort()).toEqual([...documentedVariables().keys()].sort());
  });

  it('gives optional variables the default that deploy/.env.example shows, and required ones none', () => {
    for (const [, name = '', operator, fallback] of withoutComments().matchAll(
      /\$\{([A-Z_]+)(:[?-])([^}]+)\}/g,
    )) {
      expect(documentedVariables().get(name), name).toBe(operator === ':-' ? fallback : '');
    }
  });

  it('contains no variable that is neither required nor has a default', () => {
    expect(withoutComments().match(/\$\{[A-Z_]+\}|\$[A-Z_]/g)).toBeNull();
  });

  it('holds no password or token itself', () => {
    const values = services.flatMap(([, { environment = {} }]) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|PWD|TOKEN|KEY/.test(name)),
    );

    expect(values.length).toBeGreaterThan(0);
    for (const [name, value] of values) expect(value, name).toMatch(/^\$\{[A-Z_]+:\?/);
  });

  // Docker's default keeps what is mounted on the host after the start out of the container.
  it('lets a share that is mounted after the start be seen in each repository', () => {
    const mounts = services.flatMap(([, { volumes = [] }]) =>
      volumes.filter((volume) => volume.includes(':/backups/')),
    );
    expect(mounts).toHaveLength(4);
    for (const mount of mounts) expect(mount).toMatch(/[:,]rslave$/);
  });

  it('mounts only files that the repository has, named volumes that it declares, and folders of variables', () => {
    const sources = services.flatMap(([, { volumes = [] }]) =>
      volumes.map((volume) => volume.replace(/:\/[^:]+(:(ro|rslave|ro,rslave))?$/, '')),
    );

    expect(sources.length).toBeGreaterThan(0);
    for (const source of sources) {
      if (source.startsWith('./')) expect(existsSync(join(ROOT, source)), source).toBe(true);
      else if (!source.startsWith('${')) expect(compose.volumes, source).toHaveProperty(source);
    }
  });

  it('waits only for services that exist, and for health only where there is a health check', () => {
    for (const [name, { depends_on = {} }] of services) {
      for (const [target, { condition }] of Object.entries(depends_on)) {
        const awaited = compose.services[target];
        expect(awaited, `${name} waits for ${target}`).toBeDefined();
        if (condition === 'service_healthy') expect(awaited?.healthcheck, target).toBeDefined();
        else expect(awaited?.restart, target).toBe('on-failure');
      }
    }
  });

  it('starts the API, and workers for control and for each repository, when the program gets its words', async () => {
    const started = await Promise.all(services.map(([, { command }]) => startedBy(command)));

    const config = '/etc/longhaul/longhaul.yaml';
    expect(started.filter((part) => part !== null)).toEqual([
      ['api', { config }],
      ['worker', { config, repositories: [], control: true }],
      ['worker', { config, repositories: ['primary'], control: false }],
      ['worker', { config, repositories: ['offsite'], control: false }],
    ]);
  });

  it('publishes every port on loopback unless told otherwise', () => {
    const ports = services.flatMap(([, { ports = [] }]) => ports);

    expect(ports).toHaveLength(2);
    for (const port of ports) expect(port).toMatch(/^\$\{[A-Z_]+:-127\.0\.0\.1:\d+\}:\d+$/);
  });

  it('mounts the source read-only', () => {
    const mounts = services.flatMap(([, { volumes = [] }]) =>
      volumes.filter((volume) => volume.includes(':/backups/primary')),
    );

    expect(mounts).toHaveLength(2);
    for (const mount of mounts) expect(mount).toMatch(/:ro,rslave$/);
  });

  it('declares every secret that a service reads', () => {
    for (const [name, { secrets = [] }] of services) {
      for (const secret of secrets) expect(compose.secrets, name).toHaveProperty(secret);
    }
  });

  it('has no key twice and no anchor that nothing uses', () => {
    const document = parseDocument(text, { merge: true, uniqueKeys: true });
    const anchors: string[] = [];
    const aliases: string[] = [];
    visit(document, {
      Node: (_key, node) => void ('anchor' in node && node.anchor ? anchors.push(node.anchor) : 0),
      Alias: (_key, node) => void aliases.push(node.source),
    });

    expect(document.errors).toEqual([]);
    expect(new Set(aliases)).toEqual(new Set(anchors));
  });
});

describe('deploy/longhaul.yaml', () => {
  const config = parseConfig(read('deploy/longhaul.yaml'), {
    name: 'deploy/longhaul.yaml',
    folder: '/etc/longhaul',
    environment: {},
  });

  it('leads to the services of the compose file', () => {
    expect(config.temporal).toMatchObject({
      type: 'external',
      address: 'temporal:7233',
      namespace: compose.services['temporal-namespace']?.environment?.['TEMPORAL_NAMESPACE'],
    });
    expect(config.server.tokenFile).toBe('/run/secrets/longhaul-token');
  });

  it('names repositories that are mounted into their workers', () => {
    for (const repository of config.repositories) {
      const { id } = repository;
      const path = folderOf(repository);
      const { volumes = [] } = compose.services[`longhaul-${id}`] ?? {};
      expect(
        volumes.some((volume) =>
          volume.replace(/:(ro|rslave|ro,rslave)$/, '').endsWith(`:${path}`),
        ),
        id,
      ).toBe(true);
    }
  });
});

describe('deploy/temporal', () => {
  it('has executable scripts only', () => {
    const scripts = readdirSync(join(ROOT, 'deploy/temporal')).filter((name) =>
      name.endsWith('.sh'),
    );

    expect(scripts).toEqual(['create-namespace.sh', 'setup-schema.sh']);
    for (const name of scripts) {
      expect(statSync(join(ROOT, 'deploy/temporal', name)).mode & 0o111, name).toBe(0o111);
    }
  });
});

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function withoutComments(): string {
  return text.replaceAll(/^\s*#.*$/gm, '');
}

/** Names with the values the example file gives them. */
function documentedVariables(): Map<string, string> {
  const lines = read('deploy/.env.example').matchAll(/^([A-Z_]+)=(.*)$/gm);
  return new Map([...lines].map(([, name = '', value = '']) => [name, value]));
}

/** What the program starts in a Longhaul container, and with which options; null for other containers. */
async function startedBy(
  words: readonly string[] | undefined,
): Promise<readonly [string, object] | null> {
  if (words === undefined) return null;
  let started: readonly [string, object] | null = null;
  const launch = (part: string) => (options: object) => {
    started = [part, options];
    return Promise.resolve(0);
  };
  let said = '';
  const terminal = {
    out: (text: string) => void (said += text),
    err: (text: string) => void (said += text),
    isInteractive: false,
    columns: 100,
    environment: {},
    workingFolder: '/',
  };
  const launchers = { serve: launch('serve'), api: launch('api'), worker: launch('worker') };
  const code = await runCommand(words, terminal, { ...launchers, demo: launch('demo') });
  expect([code, said], words.join(' ')).toEqual([0, '']);
  return started;
}
