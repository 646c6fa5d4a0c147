/** Floor 5: the simulated kernel behind the seam; plays events. */
export { boot } from './boot.ts';
export type { BootOptions, EngineName, LossLedger, Machine, OpenMachine, SentSignal } from './machine/machine.ts';
export type { PacketFate } from './net/network.ts';
export type { TestResult, TestRun } from './programs/test-run.ts';
