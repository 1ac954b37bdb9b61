import { DefaultLogger, Runtime } from '@temporalio/worker';

let isInstalled = false;

/** Activities that fail are what these tests are about: the SDK's reports of them would bury the results. A process has one runtime, which
 *  whatever comes first would make as it is by default, so it is asked for before every connection of a worker. */
export function quietRuntime(): void {
  if (!isInstalled)
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
    });
  isInstalled = true;
}
