import type { PlanCopyInput } from '../../src/mover/copy/plan-copy.js'; // report: @typescript-eslint/no-restricted-imports

export type Request = Omit<PlanCopyInput, 'chain'>;
