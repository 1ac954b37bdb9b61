#!/usr/bin/env node
/* global process -- of Node */
// How the command begins. Node waits for storage on threads that the whole process shares (4), and makes them when it loads the first ES module: only a
// CommonJS file is early enough to ask for more. A storage that hangs holds some of them, and the work on others goes on.
const SERVERS = new Set(['serve', 'worker', 'api', 'demo']);
if (process.argv.slice(2).some((word) => SERVERS.has(word)))
  process.env.UV_THREADPOOL_SIZE ??= '128';
void import('./longhaul.js');
