import type { scanRepository } from '../src/layout/scan-repository.js'; // report: @typescript-eslint/no-restricted-imports

export type Step = typeof scanRepository;
