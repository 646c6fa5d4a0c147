/**
 * What a terminal sends, as key names and mouse events. One chunk may hold many of both, and a sequence may be cut by
 * the end of a chunk. Key names: the character itself, or `enter`, `escape`, `up`, `pagedown`, `C-c` and the like.
 *
 * Sequences (ECMA-48, xterm's ctlseqs):
 *   CSI = ESC [ parameters final     ESC [ A   ESC [ 5 ~   ESC [ 1 ; 5 A
 *   SS3 = ESC O final                ESC O A (application cursor keys)
 *   mouse, SGR 1006 = ESC [ < button ; column ; row (M press | m release), column and row from 1
 */
export type Input =
  | { readonly kind: 'key'; readonly key: string }
  | {
      readonly kind: 'mouse';
      readonly what: 'press' | 'wheelUp' | 'wheelDown';
      readonly x: number;
      readonly y: number;
    };

const finals: Readonly<Record<string, string>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  M: 'enter',
  P: 'f1',
};

const numbered: Readonly<Record<string, string>> = {
  1: 'home',
  3: 'delete',
  4: 'end',
  5: 'pageup',
  6: 'pagedown',
  7: 'home',
  8: 'end',
  11: 'f1',
};

const controls: Readonly<Record<string, string>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\b': 'backspace',
  '\x7f': 'backspace',
  ' ': 'space',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is read here
const sequence = /^\x1b(?:\[([<?=>]?)([\d;:]*)[ -/]*([@-~])|O([@-~]))/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const unfinished = /^\x1b(?:\[[<?=>]?[\d;:]*[ -/]*|O)$/;

/** Decodes a stream chunk by chunk; keeps the head of a sequence that the next chunk completes. */
export class InputDecoder {
  #kept = '';

  decode(chunk: string): Input[] {
    let text = this.#kept + chunk;
    this.#kept = '';
    const inputs: Input[] = [];
    while (text !== '') {
      if (unfinished.test(text)) {
        this.#kept = text;
        break;
      }
      const match = sequence.exec(text);
      if (match) {
        const input = ofSequence(match);
        if (input) inputs.push(input);
        text = text.slice(match[0].length);
      } else {
        const sign = String.fromCodePoint(text.codePointAt(0) as number);
        inputs.push({ kind: 'key', key: keyOf(sign) });
        text = text.slice(sign.length);
      }
    }
    return inputs;
  }
}

function ofSequence(match: RegExpExecArray): Input | undefined {
  const [, prefix, parameters = '', final = '', single] = match;
  if (single !== undefined) return key(finals[single]);
  if (prefix === '<') return mouse(parameters, final);
  if (prefix !== '') return undefined;
  return final === '~' ? key(numbered[parameters.split(';')[0] ?? '']) : key(finals[final]);
}

const key = (name: string | undefined): Input | undefined =>
  name === undefined ? undefined : { kind: 'key', key: name };

/** Button: 0 left, 64 wheel up, 65 wheel down; 4, 8 and 16 are shift, meta and control, 32 is motion. */
function mouse(parameters: string, final: string): Input | undefined {
  const [button = 0, column = 1, row = 1] = parameters.split(';').map(Number);
  const x = column - 1;
  const y = row - 1;
  const plain = button & ~(4 | 8 | 16);
  if (final !== 'M') return undefined;
  if (plain === 0) return { kind: 'mouse', what: 'press', x, y };
  if (plain === 64) return { kind: 'mouse', what: 'wheelUp', x, y };
  if (plain === 65) return { kind: 'mouse', what: 'wheelDown', x, y };
  return undefined;
}

function keyOf(sign: string): string {
  const named = controls[sign];
  if (named !== undefined) return named;
  if (sign === '\x1b') return 'escape';
  const code = sign.codePointAt(0) as number;
  return code < 0x20 ? `C-${String.fromCharCode(code + 0x60)}` : sign;
}
