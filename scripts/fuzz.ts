import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fuzzReader } from '../test/support/fuzz/fuzz-reader.js';
import { COMPARED_FORMATS, qemuOpinion } from '../test/support/fuzz/qemu-opinion.js';
import { FUZZED, KEPT_CRASHES } from '../test/support/fuzz/samples.js';

/** Changes small files of a format in thousands of ways and reads what comes of them: `npm run fuzz -- vhdx`, without a name each format in turn.
 *  `--seed 7` tries other files, `--seconds 60` for so long. A file that a reader neither reads nor refuses with a code is kept in
 *  `test/fixtures/fuzz/<format>`, where the tests read it from then on. `--against-qemu`: of qcow2, vmdk, vhd and vhdx each changed file that is still read is
 *  also given to qemu-img, which must read the same where it finds no fault; those of which it reads something else are kept in `.cache/fuzz`. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' },
    'against-qemu': { type: 'boolean', default: false },
  },
});

const chosen = FUZZED.filter(
  ({ reader }) => positionals.length === 0 || positionals.includes(reader.id),
);
if (chosen.length === 0)
  throw new Error(`readers are ${FUZZED.map(({ reader }) => reader.id).join(', ')}`);

const isCompared = (id: string): boolean => values['against-qemu'] && COMPARED_FORMATS.includes(id);

for (const { reader, samples } of chosen) {
  const counts = { same: 0, refused: 0, large: 0, differs: 0 };
  const onRead = async (bytes: Buffer): Promise<void> => {
    const opinion = await qemuOpinion(reader.id, bytes);
    if (typeof opinion === 'string') return void counts[opinion]++;
    counts.differs++;
    console.error(`${keep(join('.cache', 'fuzz', reader.id), bytes)}: ${opinion.differs}`);
  };
  const endsAtMs = Date.now() + Number(values.seconds) * 1_000;
  const run = {
    ...{ seed: Number(values.seed), rounds: Infinity, endsAtMs },
    ...(isCompared(reader.id) ? { onRead } : {}),
  };
  const { rounds, refused, crash } = await fuzzReader(reader, await samples(), run);
  console.log(`${reader.id}: ${rounds} files, ${refused} refused, ${rounds - refused} read`);
  if (isCompared(reader.id)) console.log(`${reader.id}, by qemu-img: ${JSON.stringify(counts)}`);
  if (crash === null && counts.differs === 0) continue;
  process.exitCode = 1;
  if (crash === null) continue;
  const path = keep(join(KEPT_CRASHES, reader.id), crash.bytes);
  console.error(`broken by round ${crash.round}, kept as ${path}:`, crash.error);
}

/** @returns the file, named for its bytes */
function keep(folder: string, bytes: Buffer): string {
  mkdirSync(folder, { recursive: true });
  const name = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}
