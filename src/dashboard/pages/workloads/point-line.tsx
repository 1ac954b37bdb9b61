import type { RestorePointView } from '../../../domain/targets/repository-view.js';
import { counted, shortDateTime } from '../../show/format.js';
import { sayPoint } from './points.js';

const WIDTH = 1_000;
const HEIGHT = 66;
const MARGIN = 16;
const LINE_Y = 26;

/** Restore points along time: a square is a full, a circle an increment, and a bow joins each with the one that it builds on. The rows below say the same. */
export function PointLine({ points }: { readonly points: readonly RestorePointView[] }) {
  const times = points.map(({ createdAt }) => Date.parse(createdAt));
  const firstMs = Math.min(...times);
  const lastMs = Math.max(...times);
  const xOf = (atMs: number): number =>
    lastMs === firstMs
      ? WIDTH / 2
      : MARGIN + ((atMs - firstMs) / (lastMs - firstMs)) * (WIDTH - 2 * MARGIN);
  const places = new Map(points.map(({ id, createdAt }) => [id, xOf(Date.parse(createdAt))]));
  const fulls = points.filter(({ kind }) => kind === 'full').length;
  const label = `${counted(points.length, 'restore point')} from ${shortDateTime(firstMs)} to ${shortDateTime(lastMs)}: ${counted(fulls, 'full')} and ${counted(points.length - fulls, 'increment')}`;
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      className="drawing point-line"
      role="img"
      aria-label={label}
    >
      <line x1={MARGIN} x2={WIDTH - MARGIN} y1={LINE_Y} y2={LINE_Y} className="axis" />
      {points.map(({ id, parentId }) => (
        <Bow key={id} from={places.get(parentId ?? '')} to={places.get(id)} />
      ))}
      {points.map((point) => (
        <Mark key={point.id} point={point} x={places.get(point.id) ?? 0} />
      ))}
      <text x={MARGIN - 8} y={HEIGHT - 6}>
        {shortDateTime(firstMs)}
      </text>
      {lastMs !== firstMs && (
        <text x={WIDTH - MARGIN + 8} y={HEIGHT - 6} textAnchor="end">
          {shortDateTime(lastMs)}
        </text>
      )}
    </svg>
  );
}

function Bow({ from, to }: { readonly from: number | undefined; readonly to: number | undefined }) {
  if (from === undefined || to === undefined) return null;
  return (
    <path
      d={`M ${from} ${LINE_Y} Q ${(from + to) / 2} ${LINE_Y - 22} ${to} ${LINE_Y}`}
      className="bow"
    />
  );
}

const FLAGS = { weekly: 'W', monthly: 'M', yearly: 'Y' } as const;

function Mark({ point, x }: { readonly point: RestorePointView; readonly x: number }) {
  const { mood, word } = sayPoint(point);
  const flags = point.retention.map((flag) => FLAGS[flag]).join('');
  return (
    <g data-mood={mood} className="mark">
      <title>{`${shortDateTime(Date.parse(point.createdAt))}: ${point.kind}, ${word}`}</title>
      {point.kind === 'full' ? (
        <rect x={x - 7} y={LINE_Y - 7} width={14} height={14} rx={2} />
      ) : (
        <circle cx={x} cy={LINE_Y} r={6} />
      )}
      {flags !== '' && (
        <text x={x} y={LINE_Y + 22} textAnchor="middle">
          {flags}
        </text>
      )}
    </g>
  );
}
