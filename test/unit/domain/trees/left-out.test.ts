import { expect, it } from 'vitest';
import { notKeptText } from '../../../../src/domain/trees/left-out.js';

it.each([
  [
    'users see in a dated tree',
    { modes: true, times: true, links: true },
    'of the files bytes, permissions and times of modification, and hard links, where the target has such, are kept; not kept are owners, access lists, extended attributes, special bits (setuid) and times before 1970, and of folders permissions and times, too',
  ],
  [
    'users see in a mirror',
    { modes: true, times: true, links: false },
    'of the files bytes, permissions and times of modification are kept; not kept are owners, access lists, extended attributes, special bits (setuid), times before 1970 and hard links, and of folders permissions and times, too',
  ],
])('the first session says all of what %s that is not kept', (_, keeps, text) => {
  expect(notKeptText(keeps)).toBe(text);
});
