import { explanationText, type Place } from '../verifier/index.ts';
import { refusalText } from './refusal-text.ts';
import type { Judged } from './verify-file.ts';

/** How a verdict is shown: a line for each program, the log of what was refused, and the explanation. */
export interface Shown {
  readonly explain: boolean;
  /** Logs of accepted programs too. */
  readonly logs: boolean;
}

export function verdictText(judged: Judged, { explain, logs }: Shown): string {
  const { program, verdict, missing } = judged;
  const accepted = verdict.verdict === 'accept';
  const said = accepted ? 'accepted' : `refused with ${verdict.errno}`;
  const head = `${program.name} (${takenFor(judged)}): ${said}; ${statisticsText(judged)}\n`;
  const log = accepted && !logs ? '' : withNewline(verdict.log);
  const explanation = explain && !missing ? verdict.explanation : null;
  // Whoever wrote C wants its line first, whether or not the rest is explained.
  if (!accepted && program.form === 'c' && !explanation) return refusalText(judged) + head + log;
  return head + log + (explanation ? explanationText(explanation) : '');
}

function takenFor({ type, attachType, attachTo }: Judged): string {
  return [type, attachType, attachTo].filter((word) => word !== undefined).join(' ');
}

function statisticsText({ verdict: { statistics } }: Judged): string {
  const { processed, peakStates, stackDepths } = statistics;
  const deepest = stackDepths.join('+') || '0';
  return `${count(processed, 'instruction')} processed, peak ${count(peakStates, 'state')}, stack ${deepest} bytes`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** One JSON object a program; the keys stand in src/report/SCHEMA.md. */
export function verdictJson({ program, type, attachType, attachTo, verdict }: Judged): object {
  const { statistics } = verdict;
  return {
    type: 'verdict',
    file: program.file,
    program: program.name,
    program_type: type,
    expected_attach_type: attachType ?? null,
    attach_to: attachTo ?? null,
    verdict: verdict.verdict,
    errno: verdict.errno,
    message: verdict.message,
    log: verdict.log,
    explanation: explanationJson(verdict.explanation),
    statistics: {
      processed: statistics.processed,
      total_states: statistics.totalStates,
      peak_states: statistics.peakStates,
      stack_depths: statistics.stackDepths,
    },
  };
}

function explanationJson(explanation: Judged['verdict']['explanation']): object | null {
  if (!explanation) return null;
  const { category, title, reason, at, path, suggestion } = explanation;
  return {
    category,
    title,
    reason,
    at: at ? placeJson(at) : null,
    path: path.map((step) => ({ ...placeJson(step), note: step.note })),
    suggestion: suggestion ?? null,
  };
}

function placeJson({ slot, instruction, line }: Place): object {
  return {
    slot,
    instruction,
    file: line?.file ?? null,
    line: line?.line ?? null,
    column: line?.column ?? null,
    source: line?.text ?? null,
  };
}
