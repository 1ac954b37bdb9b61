import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import { formatTable, type DisplayText } from './display-text.js';

export function describeUnreadable(parts: readonly UnreadablePart[]): DisplayText {
  return formatTable(
    ['UNREADABLE', 'CODE', 'REASON'],
    parts.map(({ path, code, reason }) => [path, code, reason]),
  );
}
