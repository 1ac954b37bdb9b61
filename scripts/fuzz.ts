import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { IMAGE_FORMATS } from '../src/image/formats.js';
import { fuzzReader } from '../test/support/fuzz/fuzz-reader.js';
import { KEPT_CRASHES, samplesOf } from '../test/support/fuzz/samples.js';

/** Changes small files of a format in thousands of ways and reads what comes of them: `npm run fuzz -- vhdx`, without a name each format in turn.
 *  `--seed 7` tries other files, `--seconds 60` for so long. A file that a reader neither reads nor refuses with a code is kept in
 *  `test/fixtures/fuzz/<format>`, where the tests read it from then on. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' },
  },
});

const formats = IMAGE_FORMATS.filter(
  ({ id }) => positionals.length === 0 || positionals.includes(id),
);
if (formats.length === 0)
  throw new Error(`formats are ${IMAGE_FORMATS.map(({ id }) => id).join(', ')}`);

for (const format of formats) {
  const endsAtMs = Date.now() + Number(values.seconds) * 1_000;
  const run = { seed: Number(values.seed), rounds: Infinity, endsAtMs };
  const { rounds, refused, crash } = await fuzzReader(format, await samplesOf(format), run);
  console.log(`${format.id}: ${rounds} files, ${refused} refused, ${rounds - refused} read`);
  if (crash === null) continue;
  const folder = join(KEPT_CRASHES, format.id);
  mkdirSync(folder, { recursive: true });
  const name = createHash('sha256').update(crash.bytes).digest('hex').slice(0, 16);
  writeFileSync(join(folder, name), crash.bytes);
  console.error(`broken by round ${crash.round}, kept as ${join(folder, name)}:`, crash.error);
  process.exitCode = 1;
}
