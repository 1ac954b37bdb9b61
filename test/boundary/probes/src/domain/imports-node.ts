import { createHash } from 'node:crypto'; // report: @typescript-eslint/no-restricted-imports
import { z } from 'zod'; // report: @typescript-eslint/no-restricted-imports

export const probe = [createHash, z];
