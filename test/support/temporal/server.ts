import type { TemporalConfig } from '../../../src/config/config.js';
import type { TemporalSettings } from '../../../src/temporal/connect.js';
import { describe, inject } from 'vitest';

/** `describe` for tests that need the shared Temporal server: skipped, and counted as skipped, where no program was found. */
export const describeTemporal = describe.skipIf(inject('temporalAddress') === null);

/** `host:port` of the shared server. Use queue names and workflow ids of your own: all test files share its one namespace. */
export function temporalAddress(): string {
  const address = inject('temporalAddress');
  if (address === null) throw new Error('no Temporal server: use describeTemporal');
  return address;
}

/** A Temporal program, for a test that runs a server of its own. */
export function temporalBinaryPath(): string {
  const path = inject('temporalBinaryPath');
  if (path === null) throw new Error('no Temporal program: use describeTemporal');
  return path;
}

/** Settings that lead `connectTemporal` and `connectNative` to the shared server. */
export function sharedTemporalSettings(): TemporalSettings {
  return externalSettings({ address: temporalAddress() });
}

type ExternalConfig = Extract<TemporalConfig, { type: 'external' }>;

/** An external server without TLS or key, namespace `default`, unless told otherwise. */
export function externalSettings(
  changes: Partial<ExternalConfig> & Pick<ExternalConfig, 'address'>,
): TemporalSettings {
  return {
    // Only an embedded server looks there.
    stateDirectory: '',
    temporal: { type: 'external', namespace: 'default', tls: null, apiKeyFile: null, ...changes },
  };
}
