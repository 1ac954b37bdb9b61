import fc from 'fast-check';

/** fast-check with one seed for every build, so that a build fails for what was changed in it. `LONGHAUL_SEED=random` looks for what no seed has shown yet,
 *  `LONGHAUL_SEED=<number>` repeats a run. */
const seed = process.env['LONGHAUL_SEED'] ?? '20261126';
if (seed !== 'random') fc.configureGlobal({ seed: Number(seed) });

export default fc;
