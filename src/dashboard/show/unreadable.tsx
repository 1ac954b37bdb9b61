import type { UnreadablePart } from '../client/queries.js';
import { Fault } from './fault.js';
import { printable } from '../../domain/printable.js';
import { counted } from './format.js';

/** Of lists that come from the last look into each repository, which is kept while the next one fails. */
export const UNSEEN_WORDS = ': what is shown may not be all, or not as it is now';

/** What a list does not show because it could not be read: nothing is missing in silence. */
export function UnreadableParts({
  parts = [],
  what,
}: {
  /** What it means for what is shown; default: it is missing there. */
  readonly what?: string;
  readonly parts?: readonly UnreadablePart[] | undefined;
}) {
  const [first] = parts;
  if (first === undefined) return null;
  return (
    <Fault
      mood="unknown"
      what={`${counted(parts.length, 'part')} could not be read${what ?? ` and ${parts.length === 1 ? 'is' : 'are'} missing below`}.`}
      code={first.code}
    >
      <ul>
        {parts.map(({ path, reason }) => (
          <li key={path}>
            <code>{printable(path)}</code>: {printable(reason)}
          </li>
        ))}
      </ul>
    </Fault>
  );
}
