import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from '../../support/properties.js';
import { stringify } from 'yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConfigFault } from '../../../src/config/config-fault.js';
import { loadConfig, parseConfig } from '../../../src/config/load-config.js';
import { isBackupError } from '../../../src/domain/errors.js';

const MINIMAL = {
  repositories: [
    { id: 'primary', path: '/backups/primary', role: 'primary' },
    { id: 'offsite', path: '/mnt/offsite', role: 'target' },
  ],
};

function parse(value: unknown, environment: Record<string, string> = {}) {
  const text = typeof value === 'string' ? value : stringify(value);
  return parseConfig(text, { name: 'test', folder: '/etc/longhaul', environment });
}

function faultsOf(value: unknown, environment: Record<string, string> = {}): ConfigFault[] {
  try {
    parse(value, environment);
  } catch (error) {
    if (isBackupError(error, 'CONFIG_INVALID')) return error.details.faults as ConfigFault[];
    throw error;
  }
  return [];
}

function placesOf(value: unknown, environment: Record<string, string> = {}): string[] {
  return faultsOf(value, environment).map(({ path, variable }) => path || (variable ?? ''));
}

describe('parseConfig', () => {
  it('fills in every default', () => {
    expect(parse(MINIMAL)).toMatchObject({
      server: { address: '127.0.0.1', port: 8420, tokenFile: null },
      stateDirectory: '/etc/longhaul/state',
      temporal: { type: 'embedded', binaryPath: null, port: 7233, uiPort: 8233 },
      logLevel: 'info',
      repositories: [
        {
          id: 'primary',
          kind: 'directory',
          taskLimit: 4,
          workloadLimit: 10,
          immutableForDays: 0,
          settleSeconds: 60,
          folderSync: 'required',
        },
        {
          id: 'offsite',
          kind: 'directory',
          taskLimit: 4,
          workloadLimit: 10,
          immutableForDays: 0,
          settleSeconds: 60,
          folderSync: 'required',
        },
      ],
    });
  });

  it('freezes what it returns', () => {
    const config = parse(MINIMAL);
    expect(
      [config, config.server, config.repositories, config.repositories[0]].map(Object.isFrozen),
    ).toEqual([true, true, true, true]);
  });

  it('takes relative paths from the folder of the file', () => {
    const config = parse({
      stateDirectory: 'var',
      server: { tokenFile: 'token' },
      temporal: { address: 'temporal:7233', apiKeyFile: 'key', tls: { caFile: '../ca.pem' } },
      repositories: [{ id: 'a', path: './a', role: 'primary' }],
    });
    expect(config.stateDirectory).toBe('/etc/longhaul/var');
    expect(config.server.tokenFile).toBe('/etc/longhaul/token');
    expect(config.repositories[0]).toMatchObject({ path: '/etc/longhaul/a' });
    expect(config.temporal).toEqual({
      type: 'external',
      address: 'temporal:7233',
      namespace: 'default',
      apiKeyFile: '/etc/longhaul/key',
      tls: { serverName: null, caFile: '/etc/ca.pem', certFile: null, keyFile: null },
    });
  });

  it.each([
    ['embedded', 'embedded'],
    [{ type: 'embedded', port: 9000 }, 'embedded'],
    [{ port: 9000 }, 'embedded'],
    [{ address: 'host:7233' }, 'external'],
    [{ address: '[::1]:7233' }, 'external'],
  ])('reads temporal: %j as %s', (temporal, type) => {
    expect(parse({ ...MINIMAL, temporal }).temporal.type).toBe(type);
  });

  it('reports all faults at once, each with its place, its value and the allowed range', () => {
    const faults = faultsOf({
      server: { port: 99_999, prot: 1 },
      repositories: [{ id: 'Bad Id', path: '', role: 'nothing' }],
      logLevel: 'loud',
    });
    expect(faults).toContainEqual({
      path: 'server.port',
      variable: null,
      message: '99999 is not allowed',
      allowed: '0 to 65535; 0: a free port',
    });
    expect(faults.map(({ path }) => path).sort()).toEqual([
      'logLevel',
      'repositories[0].id',
      'repositories[0].path',
      'repositories[0].role',
      'server.port',
      'server.prot',
    ]);
  });

  it.each<[string, unknown, string]>([
    ['an unknown key at the top', { ...MINIMAL, repository: [] }, 'repository'],
    [
      'an unknown key in a repository',
      { repositories: [{ ...MINIMAL.repositories[0], limit: 1 }] },
      'repositories[0].limit',
    ],
    [
      'a key of embedded Temporal with an external address',
      { ...MINIMAL, temporal: { address: 'h:1', port: 1 } },
      'temporal.port',
    ],
    ['no repositories', {}, 'repositories'],
    ['an empty list of repositories', { repositories: [] }, 'repositories'],
    ['a number written as text', { ...MINIMAL, server: { port: '8420' } }, 'server.port'],
    ['a null section', { ...MINIMAL, server: null }, 'server'],
    [
      'a certificate without its key',
      { ...MINIMAL, temporal: { address: 'h:1', tls: { certFile: 'c' } } },
      'temporal.tls.keyFile',
    ],
    ['an address without port', { ...MINIMAL, temporal: { address: 'host' } }, 'temporal.address'],
    ['a document that is a list', [1, 2], ''],
    ['a key that is given twice', 'logLevel: info\nlogLevel: warn\n', ''],
    ['text that is no YAML', 'a: [1', ''],
    ['an alias without an anchor', 'logLevel: *nowhere', ''],
  ])('refuses %s', (_case, value, place) => {
    expect(placesOf(value)).toEqual([place]);
  });

  it('needs a token file when the address is not loopback', () => {
    const faults = faultsOf({ ...MINIMAL, server: { address: '0.0.0.0' } });
    expect(faults.map(({ path, message }) => [path, message])).toEqual([
      [
        'server.tokenFile',
        'required because the server listens on 0.0.0.0, which is not loopback (TOKEN_REQUIRED)',
      ],
    ]);
  });

  it.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])('needs no token on %s', (address) => {
    expect(faultsOf({ ...MINIMAL, server: { address } })).toEqual([]);
  });

  it.each([
    ['the same folder', '/backups/primary', 'the same as'],
    ['the same folder by another name', '/backups/x/../primary/', 'the same as'],
    ['a folder inside', '/backups/primary/copies', 'inside'],
    ['a folder above', '/backups', 'above'],
  ])('refuses a second repository at %s', (_case, path, relation) => {
    const [primary] = MINIMAL.repositories;
    const faults = faultsOf({ repositories: [primary, { id: 'b', path, role: 'target' }] });
    expect(faults.map((fault) => [fault.path, fault.message])).toEqual([
      ['repositories[1].path', `${path} is ${relation} the folder of repository primary`],
    ]);
  });

  it('accepts neighbours whose names begin alike', () => {
    const [primary] = MINIMAL.repositories;
    const other = { id: 'b', path: '/backups/primary-2', role: 'target' };
    expect(faultsOf({ repositories: [primary, other] })).toEqual([]);
  });

  it('refuses ids that are taken, immutability without a target, and state inside a repository', () => {
    expect(
      placesOf({
        stateDirectory: '/backups/primary/state',
        repositories: [
          { id: 'a', path: '/backups/primary', role: 'primary', immutableForDays: 7 },
          { id: 'a', path: '/mnt', role: 'target' },
        ],
      }).sort(),
    ).toEqual(['repositories[0].immutableForDays', 'repositories[1].id', 'stateDirectory']);
  });

  it('refuses a target that holds folders of dates', () => {
    const placesAs = (role: string) =>
      placesOf({ repositories: [{ id: 'a', path: '/b', role, contents: 'dated-tree' }] });
    expect(placesAs('target')).toEqual(['repositories[0].contents']);
    expect(placesAs('external')).toEqual([]);
  });

  describe('with environment variables', () => {
    it('lets a variable win over the file', () => {
      const config = parse(
        { ...MINIMAL, server: { port: 1 } },
        { LONGHAUL_SERVER_PORT: '9001', LONGHAUL_LOG_LEVEL: 'debug' },
      );
      expect([config.server.port, config.logLevel]).toEqual([9001, 'debug']);
    });

    it('changes a repository by its id, and makes one that the file does not have', () => {
      const config = parse(MINIMAL, {
        LONGHAUL_REPOSITORIES_OFFSITE_TASK_LIMIT: '9',
        LONGHAUL_REPOSITORIES_THIRD_SITE_PATH: '/mnt/third',
        LONGHAUL_REPOSITORIES_THIRD_SITE_ROLE: 'target',
      });
      expect(config.repositories.map(({ id, taskLimit }) => [id, taskLimit])).toEqual([
        ['primary', 4],
        ['offsite', 9],
        ['third-site', 4],
      ]);
    });

    it('turns to an external Temporal when an address is given', () => {
      const environment = { LONGHAUL_TEMPORAL_ADDRESS: 'temporal:7233' };
      const { temporal } = parse({ ...MINIMAL, temporal: 'embedded' }, environment);
      expect(temporal).toMatchObject({ type: 'external', address: 'temporal:7233' });
    });

    it.each([
      ['LONGHAUL_SERVER_PORT', '84 20'],
      ['LONGHAUL_SERVER_PORT', ''],
      ['LONGHAUL_SERVER_PORT', '8420.5'],
      ['LONGHAUL_SERVER_PORT', '0x2000'],
      ['LONGHAUL_SERVER_TOKEN_FILE', ''],
      ['LONGHAUL_LOG_LEVEL', 'INFO'],
      ['LONGHAUL_REPOSITORIES_OFFSITE_TASK_LIMIT', 'many'],
      ['LONGHAUL_SERVER_PROT', '1'],
      ['LONGHAUL_REPOSITORIES_PATH', '/x'],
      ['LONGHAUL_REPOSITORIES__PATH', '/x'],
    ])('names the variable in the fault of %s=%j', (variable, text) => {
      expect(faultsOf(MINIMAL, { [variable]: text }).map((fault) => fault.variable)).toContain(
        variable,
      );
    });

    it('leaves the variables of the command line and of others alone', () => {
      const environment = { LONGHAUL_SERVER: 'http://x', LONGHAUL_TOKEN_FILE: 't', PATH: '/bin' };
      expect(faultsOf(MINIMAL, environment)).toEqual([]);
    });
  });

  // The number of runs is bounded, not their time: on a loaded machine they take as long as they take.
  it('answers any document with a configuration or with CONFIG_INVALID', { timeout: 0 }, () => {
    const section = fc.dictionary(
      fc.constantFrom('address', 'port', 'type', 'tls', 'id', 'path', 'role', '__proto__', 'x'),
      fc.jsonValue(),
    );
    const document = fc.dictionary(
      fc.constantFrom('server', 'temporal', 'repositories', 'stateDirectory', 'logLevel', 'copy'),
      fc.oneof(fc.jsonValue(), section, fc.array(section)),
    );
    const environment = fc.dictionary(
      fc.constantFrom(
        'LONGHAUL_SERVER_PORT',
        'LONGHAUL_TEMPORAL_TLS_CA_FILE',
        'LONGHAUL_REPOSITORIES_A_PATH',
        'LONGHAUL_STATE_DIRECTORY',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(document, environment, (value, variables) => {
        expect(Array.isArray(faultsOf(value, variables))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses every change of a well-formed value to one of another type', () => {
    const places = ['port', 'address', 'tokenFile'] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        fc.oneof(fc.boolean(), fc.array(fc.integer()), fc.object(), fc.double({ max: -1 })),
        (place, value) => {
          expect(placesOf({ ...MINIMAL, server: { [place]: value } }).join()).toContain(
            `server.${place}`,
          );
        },
      ),
    );
  });
});

describe('loadConfig', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'longhaul-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const source = (file: string | null, environment: Record<string, string> = {}) => ({
    file,
    environment,
    workingFolder: folder,
  });

  it('finds longhaul.yaml in the working folder', async () => {
    writeFileSync(join(folder, 'longhaul.yaml'), stringify({ ...MINIMAL, logLevel: 'warn' }));
    expect((await loadConfig(source(null))).logLevel).toBe('warn');
  });

  it('is content with the environment when there is no file', async () => {
    const config = await loadConfig(
      source(null, {
        LONGHAUL_REPOSITORIES_A_PATH: 'backups',
        LONGHAUL_REPOSITORIES_A_ROLE: 'primary',
      }),
    );
    expect(config.repositories[0]).toMatchObject({ path: join(folder, 'backups') });
  });

  it('refuses a file that was named and is not there', async () => {
    await expect(loadConfig(source('other.yaml'))).rejects.toThrow(/the file cannot be read/);
  });

  function load(repositories: readonly object[]) {
    writeFileSync(join(folder, 'longhaul.yaml'), stringify({ repositories }));
    return loadConfig(source(null));
  }

  it('sees that a link whose end does not exist yet leads into another repository', async () => {
    mkdirSync(join(folder, 'real'));
    symlinkSync(join(folder, 'real', 'later'), join(folder, 'ahead'));
    const repositories = [
      { id: 'a', path: 'real', role: 'primary' },
      { id: 'b', path: 'ahead/copies', role: 'target' },
    ];
    await expect(load(repositories)).rejects.toThrow(
      /ahead\/copies is inside the folder of repository a/,
    );
  });

  it.skipIf(process.getuid?.() !== 0 && process.env['CI'] === undefined)(
    'sees that a bind mount leads into another repository',
    async () => {
      for (const name of ['real', 'real/below', 'bound']) mkdirSync(join(folder, name));
      execFileSync('mount', ['--bind', join(folder, 'real/below'), join(folder, 'bound')]);
      try {
        mkdirSync(join(folder, 'bound', 'deep'));
        for (const [path, relation] of [
          ['real/below', 'the same as'],
          ['real/below/deep', 'inside'],
        ])
          await expect(
            load([
              { id: 'a', path: 'bound', role: 'primary' },
              { id: 'b', path, role: 'target' },
            ]),
          ).rejects.toThrow(new RegExp(`is ${relation} the folder of repository a`));
      } finally {
        execFileSync('umount', [join(folder, 'bound')]);
      }
    },
  );

  it.each(['127.999.1.1', '256.0.0.1', '1.2.3'])(
    'refuses the address %s, which is none',
    (address) => {
      expect(() =>
        parseConfig(
          `server: { address: ${address}, tokenFile: t }\nrepositories: [{ id: a, path: /a, role: primary }]`,
          { name: 'test', folder, environment: {} },
        ),
      ).toThrow(/server\.address/);
    },
  );

  it('sees through a symbolic link that two repositories lead to the same folder', async () => {
    mkdirSync(join(folder, 'real'));
    symlinkSync(join(folder, 'real'), join(folder, 'link'));
    const repositories = [
      { id: 'a', path: 'real', role: 'primary' },
      { id: 'b', path: 'link', role: 'target' },
    ];
    writeFileSync(join(folder, 'longhaul.yaml'), stringify({ repositories }));
    await expect(loadConfig(source(null))).rejects.toThrow(
      /link is the same as the folder of repository a/,
    );
  });
});
