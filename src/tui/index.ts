/** Floor 7: the dashboard. Pure presenters (model in, lines out); blessed only draws. */

export type { Output } from './canvas.ts';
export { runDashboard, type Terminal } from './dashboard.ts';
export { type ProcessLike, signalExitCodes } from './signals.ts';
