import {
  simulatePolicy,
  type PolicySimulation,
  type SimulationInput,
} from '../../domain/retention/simulate-policy.js';
import { invalidRequest } from '../route.js';
import { DAY_MS } from '../../domain/elapsed.js';

/** Points that the sessions of one simulation look at, all in all. One point of a chain with many fulls takes some 20 µs, so that this is a quarter of a minute. */
const MAX_PLAYED_POINTS = 750_000;
/** The simulation, with a turn for other requests after each session.
 *  @throws REQUEST_INVALID when it would take too long, with the days that would not */
export async function simulateInTurns(
  input: SimulationInput,
  mostPoints = MAX_PLAYED_POINTS,
): Promise<PolicySimulation> {
  const sessions = simulatePolicy(input);
  for (let played = 0; ;) {
    const next = sessions.next();
    if (next.done === true) return next.value;
    const { atMs, points } = next.value;
    played += points;
    if (played > mostPoints) {
      const days = Math.ceil((atMs - input.nowMs) / DAY_MS) - 1;
      throw invalidRequest([
        { path: 'days', message: `so many restore points are simulated for ${days} days at most` },
      ]);
    }
    await new Promise(setImmediate);
  }
}
