// Node 20 does not pass the loader of the main thread on to a worker thread.
import { register } from 'tsx/esm/api';

register();
await import('./repository-thread.ts');
