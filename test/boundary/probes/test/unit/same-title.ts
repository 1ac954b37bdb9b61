import { describe, it } from 'vitest';

describe('probe', () => {
  it('says something', () => undefined);
  it('says something', () => undefined); // report: longhaul/unique-test-title
});

describe('another probe', () => {
  it('says something', () => undefined);
});
