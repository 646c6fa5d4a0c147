import { formatPosition } from '../../base/index.ts';
import type { Explanation, PathStep, Place } from './explanation.ts';

/** An explanation as lines for a terminal: what, why, where with a caret, how it came to that, and what helps. */
export function explanationText({ title, reason, at, path, suggestion }: Explanation): string {
  const lines = [`refused for ${title}`, `  why: ${reason}`];
  if (at) lines.push(...placeLines(at));
  if (path.length > 0) lines.push('  how it came to that:', ...pathLines(path));
  if (suggestion !== undefined) lines.push(`  what helps: ${suggestion}`);
  return `${lines.join('\n')}\n`;
}

function placeLines({ slot, instruction, line }: Place): string[] {
  const shown = `instruction ${slot}${instruction === '' ? '' : `: ${instruction}`}`;
  if (!line) return [`  where: ${shown}`];
  const { file, column, text } = line;
  const lines = [
    `  where: ${formatPosition(line.column ? { file, line: line.line, column: line.column } : { file, line: line.line })}, ${shown}`,
    `    ${text}`,
  ];
  if (column) lines.push(`    ${text.slice(0, column - 1).replace(/[^\t]/g, ' ')}^`);
  return lines;
}

function pathLines(path: readonly PathStep[]): string[] {
  const left = path.map(
    ({ slot, instruction, line }) => [line ? `line ${line.line}` : '', `${slot}: ${instruction}`] as const,
  );
  const width = Math.max(...left.map(([line]) => line.length));
  const column = Math.max(...left.map(([, text]) => text.length));
  return path.map(({ note }, index) => {
    const [line, text] = left[index] as readonly [string, string];
    return `    ${width === 0 ? '' : `${line.padEnd(width)}  `}${text.padEnd(column)}  ${note}`.trimEnd();
  });
}
