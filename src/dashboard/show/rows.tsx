/** A table that stays fast with ten thousand rows and becomes a list of cards where it is narrow. */

import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useRef, useState, type ReactNode } from 'react';

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
  /** Share of the width, as CSS grid takes it: `2fr`, `7rem`. */
  readonly width?: string;
}

interface RowsProps<Row> {
  /** What the rows are, for those who hear it. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Below a row, over its whole width. */
  readonly below?: (row: Row) => ReactNode;
}

/** Fewer rows than this are all in the page: the browser's own search finds them. */
const VIRTUAL_FROM = 150;
const ROW_ESTIMATE_PX = 52;

export function Rows<Row>(props: RowsProps<Row>) {
  const { label, columns, rows } = props;
  const template = columns.map(({ width = '1fr' }) => `minmax(0, ${width})`).join(' ');
  const Body = rows.length < VIRTUAL_FROM ? PlainBody : VirtualBody;
  return (
    <div
      className="rows"
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      style={{ '--columns': template } as React.CSSProperties}
    >
      <div role="rowgroup">
        <div className="row row-head" role="row" aria-rowindex={1}>
          {columns.map(({ head }) => (
            <div role="columnheader" key={head}>
              {head}
            </div>
          ))}
        </div>
      </div>
      <Body {...(props as RowsProps<unknown>)} />
    </div>
  );
}

function PlainBody({ rows, keyOf, columns, below }: RowsProps<unknown>) {
  return (
    <div role="rowgroup">
      {rows.map((row, index) => (
        <RowCells key={keyOf(row)} row={row} index={index} columns={columns} below={below} />
      ))}
    </div>
  );
}

function VirtualBody({ rows, keyOf, columns, below }: RowsProps<unknown>) {
  const body = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => setOffset(body.current?.offsetTop ?? 0), []);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => ROW_ESTIMATE_PX,
    overscan: 12,
    scrollMargin: offset,
  });
  return (
    <div role="rowgroup" ref={body} className="virtual" style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map(({ index, start }) => {
        const row = rows[index];
        return (
          <div
            key={keyOf(row)}
            role="presentation"
            data-index={index}
            ref={virtual.measureElement}
            className="virtual-row"
            style={{ transform: `translateY(${start - offset}px)` }}
          >
            <RowCells row={row} index={index} columns={columns} below={below} />
          </div>
        );
      })}
    </div>
  );
}

interface RowCellsProps {
  readonly row: unknown;
  readonly index: number;
  readonly columns: readonly Column<unknown>[];
  readonly below: RowsProps<unknown>['below'];
}

function RowCells({ row, index, columns, below }: RowCellsProps) {
  const more = below?.(row) ?? null;
  return (
    <div className="row" role="row" aria-rowindex={index + 2}>
      {columns.map(({ head, cell }) => (
        <div role="cell" className="cell" data-head={head} key={head}>
          {cell(row)}
        </div>
      ))}
      {more !== null && (
        <div role="cell" className="row-below">
          {more}
        </div>
      )}
    </div>
  );
}
