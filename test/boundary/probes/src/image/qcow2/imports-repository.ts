import { open } from '../../repository/directory/directory-repository.js'; // report: @typescript-eslint/no-restricted-imports
import { probe as domain } from '../../domain/imports-itself.js';

export const probe = [open, domain];
