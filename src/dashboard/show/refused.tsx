import { IconLock } from '@tabler/icons-react';
import { printable } from '../../domain/printable.js';

/** In place of what somebody may not do, or before it: why, and who may. */
export function Refused({ reason }: { readonly reason: string | null }) {
  if (reason === null) return null;
  return (
    <p className="refused">
      <IconLock size={16} aria-hidden="true" />
      <span>You cannot do this: {printable(reason)}.</span>
    </p>
  );
}
