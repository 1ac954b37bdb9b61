import { describe, expect, it } from 'vitest';
import type { LimitsView } from '../../../src/api/limits/limit-routes.js';
import { parseHours } from '../../../src/cli/input/hours-phrase.js';
import {
  ALL,
  FIRST_HOURS,
  hoursPath,
  limitCommands,
  limitPlaces,
  limitsWith,
  limitWishOf,
} from '../../../src/dashboard/pages/repositories/limit-wish.js';

const MIB = 1024 * 1024;
const none = { readBytesPerSecond: null, writeBytesPerSecond: null };
const night = { days: ['saturday', 'sunday'] as const, from: '00:00', to: '00:00', ...none };
/** Of 500 kB a second, which is no whole number of MiB. */
const offsite = { repositoryId: 'offsite', ...none, writeBytesPerSecond: 500_000, hours: [night] };
const vault = { repositoryId: 'vault', ...none, readBytesPerSecond: 3 * MIB, hours: [] };
const stored = {
  timeZone: 'Europe/Berlin',
  service: { ...none, hours: [] },
  repositories: [offsite, vault],
};
const limits: LimitsView = { ...stored, revision: 4, now: { service: none, repositories: [] } };
const timeZone = 'Europe/Berlin';

describe('the form of a limit', () => {
  it('sends what nobody touched as it is, also what is no whole number of MiB', () => {
    const wish = { ...limitWishOf(limits, 'offsite'), timeZone };
    expect(limitsWith(limits, 'offsite', wish)).toEqual({
      ...stored,
      repositories: [vault, offsite],
    });
    expect(limitCommands(limits, 'offsite', wish)).toEqual([
      'longhaul limit set offsite --read none --write 500000',
    ]);
  });

  it('adds hours to those that are there, of all repositories together too', () => {
    const hours = [{ ...FIRST_HOURS, write: 5 }];
    const wish = { ...limitWishOf(limits, ALL), hours, timeZone };
    const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'];
    const sent = { days, from: '08:00', to: '18:00', ...none, writeBytesPerSecond: 5 * MIB };
    expect(limitsWith(limits, ALL, wish)).toEqual({
      ...stored,
      service: { ...none, hours: [sent] },
    });
    expect(limitCommands(limits, ALL, wish)).toEqual([
      'longhaul limit set --read none --write none',
      `longhaul limit set --read none --write 5242880 --hours '${days.join()} 08:00-18:00'`,
    ]);
  });

  it('takes hours away, and a limit that is none any more', () => {
    const wish = { read: 0, write: 0, hours: [], timeZone };
    expect(limitsWith(limits, 'offsite', wish)).toEqual({ ...stored, repositories: [vault] });
    expect(limitCommands(limits, 'offsite', wish)).toEqual(['longhaul limit clear offsite']);
  });

  it('says a limit without hours that goes as the command that names it no more', () => {
    const wish = { read: 0, write: 0, hours: [], timeZone };
    expect(limitCommands(limits, 'vault', wish)).toEqual(['longhaul limit clear vault']);
    expect(limitsWith(limits, 'vault', wish).repositories).toEqual([offsite]);
  });

  it('offers what is configured, and the repository that only a limit is left of', () => {
    expect(limitPlaces(limits, ['primary', 'vault'])).toEqual([
      { id: 'primary', isConfigured: true },
      { id: 'vault', isConfigured: true },
      { id: 'offsite', isConfigured: false },
    ]);
  });

  it('says a changed hour and zone as commands that the command line takes', () => {
    const hours = [{ ...limitWishOf(limits, 'offsite').hours[0]!, read: 2 }];
    const commands = limitCommands(limits, 'offsite', {
      read: 0,
      write: 1,
      hours,
      timeZone: 'UTC',
    });
    expect(commands).toEqual([
      'longhaul limit clear offsite',
      'longhaul limit set offsite --read none --write 1048576 --time-zone UTC',
      "longhaul limit set offsite --read 2097152 --write none --hours 'saturday,sunday all'",
    ]);
    expect(parseHours('saturday,sunday all')).toEqual({
      ...{ days: ['saturday', 'sunday'], from: '00:00', to: '00:00' },
    });
  });

  it('finds the words of the server for its hours, which are sent last', () => {
    expect(hoursPath(limits, ALL, 1)).toBe('service.hours.1');
    expect(hoursPath(limits, 'offsite', 0)).toBe('repositories.1.hours.0');
    expect(hoursPath(limits, 'new', 2)).toBe('repositories.2.hours.2');
  });
});
