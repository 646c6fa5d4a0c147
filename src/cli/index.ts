/** Floor 8: the command line. `run(argv, io)` returns the exit code; importing it does nothing. */
export { run } from './cli.ts';
export { runConformancePlugin } from './conformance-plugin.ts';
export type { Io, SignalSource } from './io.ts';
