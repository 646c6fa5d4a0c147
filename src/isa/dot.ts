import type { Block, ControlFlow } from './control-flow.ts';
import { type DisassemblerOptions, formatInstruction } from './disassemble.ts';
import { targetOf } from './instruction.ts';

/**
 * A control-flow graph as Graphviz reads it: a box for each block with its instructions, a cluster for each function.
 * A jump that is taken is green where the other way is open, falling through is red; blocks that are never reached are
 * dashed and grey, and a place outside the program is a red box of its own. Dotted ways are calls and pointers to functions.
 */
export interface DotOptions extends DisassemblerOptions {
  /** Names of slots, for functions and blocks. */
  readonly names?: ReadonlyMap<number, string>;
}

export function formatDot(name: string, flow: ControlFlow, options: DotOptions = {}): string {
  const lines = [
    `digraph ${quoted(name)} {`,
    '  node [shape=box, fontname="monospace", fontsize=10];',
    '  edge [fontname="monospace", fontsize=9];',
  ];
  for (const [index, { slot }] of flow.functions.entries()) {
    const title = options.names?.get(slot) ?? (index === 0 ? name : `f${slot}`);
    lines.push(`  subgraph cluster_${slot} {`, `    label=${quoted(title)};`);
    for (const block of flow.blocks) if (block.function === index) lines.push(`    ${node(block, options)}`);
    lines.push('  }');
  }
  const outside = new Set(flow.blocks.flatMap(({ edges }) => edges.filter((e) => e.block < 0).map((e) => e.slot)));
  for (const slot of [...outside].sort((a, b) => a - b)) {
    lines.push(`  ${nodeName(slot)} [label=${quoted(`slot ${slot}: no instruction`)}, color=red, fontcolor=red];`);
  }
  for (const block of flow.blocks) lines.push(...arrows(block).map((arrow) => `  ${arrow}`));
  return `${[...lines, '}'].join('\n')}\n`;
}

function node(block: Block, options: DotOptions): string {
  const label = options.names?.get(block.slot);
  const text = block.instructions.map((instruction) => {
    return `${instruction.slot}: ${formatInstruction(instruction, options)}`;
  });
  if (label !== undefined) text.unshift(`${label}:`);
  if (!block.reachable) text.unshift('unreachable');
  const style = block.reachable ? '' : ', style=dashed, color=gray50, fontcolor=gray50';
  // \l ends a line and sets it to the left.
  return `${nodeName(block.slot)} [label="${text.map((line) => `${escaped(line)}\\l`).join('')}"${style}];`;
}

function arrows({ slot, edges, instructions }: Block): string[] {
  const choice = edges.length > 1;
  const ways = edges.map(({ kind, slot: to }) => {
    const style = choice ? ` [label="${kind}", color=${kind === 'taken' ? 'darkgreen' : 'red3'}]` : '';
    return `${nodeName(slot)} -> ${nodeName(to)}${style};`;
  });
  const calls = instructions.flatMap((instruction) => {
    if (instruction.kind !== 'call' && instruction.kind !== 'loadImm64') return [];
    const to = targetOf(instruction);
    const label = instruction.kind === 'call' ? 'call' : 'pointer';
    return to === undefined ? [] : [`${nodeName(slot)} -> ${nodeName(to)} [label="${label}", style=dotted];`];
  });
  return [...ways, ...calls];
}

/** Slots below 0 occur: a jump may lead to before the program. */
function nodeName(slot: number): string {
  return slot < 0 ? `slot_minus_${-slot}` : `slot_${slot}`;
}

function quoted(text: string): string {
  return `"${escaped(text)}"`;
}

function escaped(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replace(/\n/g, ' ');
}
