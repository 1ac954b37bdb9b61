import type { MoverContext } from '../mover/task/mover-context.js'; // report: @typescript-eslint/no-restricted-imports

export type Probe = MoverContext;
