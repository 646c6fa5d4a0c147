import type { ArrayType, CType, FunctionType, PointerType } from './types.ts';

/** Types as C writes them, for diagnostics. */

/** As clang writes what gcc, and with it a kernel's BTF, spells out. */
const shortNames: ReadonlyMap<string, string> = new Map([
  ['short int', 'short'],
  ['short unsigned int', 'unsigned short'],
  ['long int', 'long'],
  ['long unsigned int', 'unsigned long'],
  ['long long int', 'long long'],
  ['long long unsigned int', 'unsigned long long'],
]);

/** Parameters that a text names; of functions of functions of functions, each twice, there are more than memory holds. */
const mostParameters = 200;

/** The type as C writes it; of what is too long, the rest is `…`. */
export function printCType(type: CType): string {
  return new Printer().plain(type);
}

/** As diagnostics name it: in quotes, and of a typedef what it stands for. */
export function quoted(type: CType): string {
  const plain = printCType(type);
  const named = new Printer().sugared(type);
  return named === plain ? `'${plain}'` : `'${named}' (aka '${plain}')`;
}

/** The same of what is const itself. */
export function quotedConstant(type: CType): string {
  return type.kind === 'pointer'
    ? quoted(type).replace(/'([^']*)'/g, `'$1const'`)
    : quoted(type).replace(/'(?!const )([^']*)'/g, `'const $1'`);
}

class Printer {
  #parameters = 0;

  plain(type: CType): string {
    switch (type.kind) {
      case 'void':
        return 'void';
      case 'int':
        return shortNames.get(type.name) ?? type.name;
      case 'pointer':
        return pointerText(type, this.plain(type.target));
      case 'array':
        return arrayText(type, (element) => this.plain(element));
      case 'struct':
        return `${type.union ? 'union' : 'struct'} ${type.tag === '' ? '(anonymous)' : type.tag}`;
      case 'function':
        return `${this.plain(type.returns)} (${this.#list(type)})`;
    }
  }

  #list({ parameters }: FunctionType): string {
    const texts: string[] = [];
    for (const { type } of parameters) {
      if (++this.#parameters > mostParameters) {
        texts.push('…');
        break;
      }
      texts.push(this.plain(type));
    }
    return texts.join(', ') || 'void';
  }

  /** The type by the typedefs that it was named by. */
  sugared(type: CType): string {
    if (type.alias !== undefined) return type.alias;
    if (type.kind === 'array') return arrayText(type, (element) => this.sugared(element));
    return type.kind === 'pointer' ? pointerText(type, this.sugared(type.target)) : this.plain(type);
  }
}

/** Lengths from the outermost on: `int[2][3]` is two of three. */
function arrayText(type: ArrayType, printed: (element: CType) => string): string {
  let lengths = '';
  let at: CType = type;
  for (; at.kind === 'array'; at = at.element) lengths += `[${at.length ?? ''}]`;
  return printed(at) + lengths;
}

function pointerText({ constant }: PointerType, target: string): string {
  if (target.endsWith('*')) return constant ? `${target}const *` : `${target}*`;
  return constant ? `const ${target} *` : `${target} *`;
}
