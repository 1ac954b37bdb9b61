/** Names of a turn, the right of a workload to be worked at (docs/adr, Turns). Persisted. */

/** The activity that lasts as long as the turn. */
export const TURN_ACTIVITY = 'holdTurn';

/** The update with which it tells the workflow that its turn has come; answered when the turn ends. */
export const TURN_UPDATE = 'turn';
