import type { UnreadablePart } from '../client/queries.js';
import { Fault } from './fault.js';
import { counted, printable } from './format.js';

/** What a list does not show because it could not be read: nothing is missing in silence. */
export function UnreadableParts({
  parts = [],
}: {
  readonly parts?: readonly UnreadablePart[] | undefined;
}) {
  const [first] = parts;
  if (first === undefined) return null;
  return (
    <Fault
      mood="unknown"
      what={`${counted(parts.length, 'part')} could not be read and ${parts.length === 1 ? 'is' : 'are'} missing below.`}
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
