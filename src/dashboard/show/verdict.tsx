import type { ReactNode } from 'react';
import { MoodIcon } from './state.js';
import type { Mood } from './words.js';

/** The one sentence that a page is about. */
export function VerdictPanel({
  mood,
  sentence,
  children,
}: {
  readonly mood: Mood;
  readonly sentence: string;
  readonly children?: ReactNode;
}) {
  return (
    <div className="verdict" data-mood={mood} role="status">
      <MoodIcon mood={mood} size={30} />
      <div>
        <p>{sentence}</p>
        {children !== undefined && children !== '' && <div className="faint">{children}</div>}
      </div>
    </div>
  );
}
