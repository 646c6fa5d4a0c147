/**
 * Flame graphs as SVG that needs nothing else: a box for each function, as wide as its share of the samples, upon the
 * function that called it. Callers are in alphabetical order, so equal samples give an equal picture; a box tells its
 * whole name and its share when the mouse rests on it.
 */
export interface FlameFrame {
  readonly name: string;
  readonly kind: FrameKind;
}

export type FrameKind = 'process' | 'user' | 'kernel';

export interface FlameStack {
  /** Outermost first. */
  readonly frames: readonly FlameFrame[];
  readonly count: number;
}

interface Box {
  readonly name: string;
  readonly kind: FrameKind | 'all';
  count: number;
  readonly above: Map<string, Box>;
}

const width = 1200;
const margin = 10;
const rowHeight = 17;
const boxHeight = 16;
const titleHeight = 36;
/** Pixels of a letter of the font below, as wide as they come on average. */
const letterWidth = 6.6;
/** Boxes that are narrower are left out. */
const narrowest = 0.1;

/** Base colours, and how far a name's own may be from it. */
const colours: Readonly<Record<Box['kind'], readonly [number, number, number]>> = {
  all: [215, 215, 210],
  process: [176, 196, 222],
  user: [232, 160, 70],
  kernel: [225, 110, 90],
};
const colourSpread = 22;

/** The whole file, with a newline at its end. */
export function flameGraph(stacks: readonly FlameStack[], title: string): string {
  const root = merge(stacks);
  const rows = depth(root);
  const height = titleHeight + rows * rowHeight + margin;
  const boxes: string[] = [];
  if (root.count > 0) draw(root, { x: margin, row: 0, rows, scale: (width - 2 * margin) / root.count, boxes, root });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    '<style>text{font:11px monospace;fill:#111}.title{font-size:15px;text-anchor:middle}g:hover>rect{stroke:#111}</style>',
    `<rect width="${width}" height="${height}" fill="#fbfaf5"/>`,
    `<text class="title" x="${width / 2}" y="23">${escaped(title)}</text>`,
    ...boxes,
    '</svg>',
    '',
  ].join('\n');
}

function merge(stacks: readonly FlameStack[]): Box {
  const root: Box = { name: 'all', kind: 'all', count: 0, above: new Map() };
  for (const { frames, count } of stacks) {
    root.count += count;
    let box = root;
    for (const { name, kind } of frames) {
      const key = `${kind} ${name}`;
      const next: Box = box.above.get(key) ?? { name, kind, count: 0, above: new Map() };
      box.above.set(key, next);
      next.count += count;
      box = next;
    }
  }
  return root;
}

function depth(box: Box): number {
  let most = 0;
  for (const above of box.above.values()) most = Math.max(most, depth(above));
  return most + 1;
}

interface Canvas {
  readonly x: number;
  readonly row: number;
  readonly rows: number;
  /** Pixels of one sample. */
  readonly scale: number;
  readonly root: Box;
  readonly boxes: string[];
}

function draw(box: Box, canvas: Canvas): void {
  const { x, row, rows, scale, root, boxes } = canvas;
  const wide = box.count * scale;
  if (wide < narrowest) return;
  const y = titleHeight + (rows - 1 - row) * rowHeight;
  const share = ((100 * box.count) / root.count).toFixed(2);
  const samples = box.count === 1 ? '1 sample' : `${box.count} samples`;
  const label = shortened(box.name, wide);
  boxes.push(
    `<g><title>${escaped(`${box.name} (${samples}, ${share}%)`)}</title>` +
      `<rect x="${round(x)}" y="${y}" width="${round(wide)}" height="${boxHeight}" rx="1" fill="${colour(box)}"/>` +
      `${label === '' ? '' : `<text x="${round(x + 3)}" y="${y + 12}">${escaped(label)}</text>`}</g>`,
  );
  let left = x;
  const above = [...box.above.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (const next of above) {
    draw(next, { ...canvas, x: left, row: row + 1 });
    left += next.count * scale;
  }
}

/** As much of a name as there is room for; empty where it would say nothing. */
function shortened(name: string, wide: number): string {
  const letters = Math.floor((wide - 6) / letterWidth);
  if (letters >= name.length) return name;
  return letters < 4 ? '' : `${name.slice(0, letters - 2)}..`;
}

/** The same colour for the same name. */
function colour({ name, kind }: Box): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  const shift = ((hash >>> 0) % (2 * colourSpread + 1)) - colourSpread;
  const [red, green, blue] = colours[kind];
  return kind === 'all' ? `rgb(${red},${green},${blue})` : `rgb(${red},${green + shift},${blue + shift})`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
