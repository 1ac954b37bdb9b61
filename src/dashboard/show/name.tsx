import { Fragment } from 'react';
import { printable } from '../../domain/printable.js';

/** A name of a machine, which breaks behind its dots and dashes where it is too long for its place. */
export function Name({ children }: { readonly children: string }) {
  return printable(children)
    .split(/(?<=[.\-_@:/])/)
    .map((part, index) => (
      <Fragment key={index}>
        {index > 0 && <wbr />}
        {part}
      </Fragment>
    ));
}
