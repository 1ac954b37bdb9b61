import type { OperationInput } from '../../src/mover/mover-operations.js'; // report: @typescript-eslint/no-restricted-imports

export type Request = Omit<OperationInput<'planCopy'>, 'chain'>;
