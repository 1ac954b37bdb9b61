import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleX,
  IconClock,
  IconHelpCircle,
  IconLoader,
} from '@tabler/icons-react';
import type { Mood, Said } from './words.js';

const ICONS: Readonly<Record<Mood, typeof IconClock>> = {
  good: IconCircleCheck,
  attention: IconAlertTriangle,
  bad: IconCircleX,
  unknown: IconHelpCircle,
  busy: IconLoader,
  quiet: IconClock,
};

/** Word, icon and colour of a state. */
export function State({ said: { mood, word } }: { readonly said: Said }) {
  return (
    <span className="state" data-mood={mood}>
      <MoodIcon mood={mood} />
      {word}
    </span>
  );
}

/** For the eye only: the word beside it says the same. */
export function MoodIcon({ mood, size = 16 }: { readonly mood: Mood; readonly size?: number }) {
  const Icon = ICONS[mood];
  return <Icon size={size} aria-hidden="true" className="mood-icon" data-mood={mood} />;
}
