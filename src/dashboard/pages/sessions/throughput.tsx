import { useEffect, useState } from 'react';
import type { SessionView } from '../../../api/sessions/session-schemas.js';
import { bytes } from '../../show/format.js';

interface Sample {
  readonly atMs: number;
  readonly readBytes: number;
  readonly transferredBytes: number;
}

const KEPT_MS = 180_000;
const WIDTH = 320;
const HEIGHT = 64;

/** Bytes read, and those new in the target, per second while this page is open. The numbers below the drawing tell the same. */
export function Throughput({ session }: { readonly session: SessionView }) {
  const rates = useRates(session);
  const now = rates.at(-1);
  if (now === undefined || rates.length < 2)
    return <p className="nothing">The speed shows after a few seconds.</p>;
  const highest = Math.max(1, ...rates.flatMap(({ read, sent }) => [read, sent]));
  const text = `reads ${bytes(now.read)}/s, new ${bytes(now.sent)}/s, highest ${bytes(highest)}/s`;
  return (
    <figure className="throughput">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        className="drawing"
        role="img"
        aria-label={`Speed: ${text}`}
      >
        <polyline points={pointsOf(rates, 'read', highest)} className="rate-read" />
        <polyline points={pointsOf(rates, 'sent', highest)} className="rate-sent" />
      </svg>
      <figcaption className="small">
        <span className="key rate-read-key" /> reads {bytes(now.read)}/s{' '}
        <span className="key rate-sent-key" /> new {bytes(now.sent)}/s
      </figcaption>
    </figure>
  );
}

interface Rate {
  readonly atMs: number;
  readonly read: number;
  readonly sent: number;
}

function useRates({ progress: { readBytes, transferredBytes }, state }: SessionView): Rate[] {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  useEffect(() => {
    if (state !== 'running') return;
    const atMs = Date.now();
    setSamples((known) => [
      ...known.filter((sample) => atMs - sample.atMs < KEPT_MS),
      { atMs, readBytes, transferredBytes },
    ]);
  }, [readBytes, transferredBytes, state]);
  return samples.slice(1).flatMap((sample, index) => {
    const before = samples[index];
    const seconds = before === undefined ? 0 : (sample.atMs - before.atMs) / 1_000;
    if (before === undefined || seconds < 0.2) return [];
    // After a worker was killed, what its last moments copied is copied again: counters may step back.
    const rateOf = (name: 'readBytes' | 'transferredBytes'): number =>
      Math.max(0, sample[name] - before[name]) / seconds;
    return [{ atMs: sample.atMs, read: rateOf('readBytes'), sent: rateOf('transferredBytes') }];
  });
}

function pointsOf(rates: readonly Rate[], name: 'read' | 'sent', highest: number): string {
  const first = rates[0]?.atMs ?? 0;
  const span = Math.max(1, (rates.at(-1)?.atMs ?? 0) - first);
  return rates
    .map((rate) => {
      const x = ((rate.atMs - first) / span) * WIDTH;
      const y = HEIGHT - 2 - (rate[name] / highest) * (HEIGHT - 6);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
}
