import type { Btf } from './btf.ts';
import type { BtfType, TypeId } from './types.ts';

/** Types one after another as `bpftool btf dump` prints them: `[2] STRUCT 'event' size=16 vlen=2`, members below. */
export function dumpRaw(btf: Btf): string[] {
  const lines: string[] = [];
  for (let id = 1; id < btf.count; id++) lines.push(...rawType(btf, id));
  return lines;
}

const words: Partial<Record<BtfType['kind'], string>> = {
  pointer: 'PTR',
  forward: 'FWD',
  function: 'FUNC',
  prototype: 'FUNC_PROTO',
  variable: 'VAR',
  section: 'DATASEC',
  declTag: 'DECL_TAG',
  typeTag: 'TYPE_TAG',
};

const linkages = ['static', 'global', 'extern'];

function rawType(btf: Btf, id: TypeId): string[] {
  const type = btf.type(id);
  const name = 'name' in type && type.name !== '' ? type.name : '(anon)';
  const head = `[${id}] ${words[type.kind] ?? type.kind.toUpperCase()} '${name}'`;
  switch (type.kind) {
    case 'int': {
      const encoding = type.signed ? 'SIGNED' : type.bool ? 'BOOL' : type.char ? 'CHAR' : '(none)';
      return [`${head} size=${type.size} bits_offset=0 nr_bits=${type.bits} encoding=${encoding}`];
    }
    case 'float':
      return [`${head} size=${type.size}`];
    case 'array':
      return [`${head} type_id=${type.element} index_type_id=${type.index} nr_elems=${type.length}`];
    case 'struct':
    case 'union':
      return [
        `${head} size=${type.size} vlen=${type.members.length}`,
        ...type.members.map((one) => {
          const bits = one.bitSize === 0 ? '' : ` bitfield_size=${one.bitSize}`;
          return `\t'${one.name === '' ? '(anon)' : one.name}' type_id=${one.type} bits_offset=${one.bitOffset}${bits}`;
        }),
      ];
    case 'enum':
    case 'enum64':
      return [
        `${head} encoding=${type.signed ? 'SIGNED' : 'UNSIGNED'} size=${type.size} vlen=${type.values.length}`,
        ...type.values.map((one) => `\t'${one.name}' val=${one.value}${type.kind === 'enum64' ? 'LL' : ''}`),
      ];
    case 'forward':
      return [`${head} fwd_kind=${type.union ? 'union' : 'struct'}`];
    case 'function':
      return [`${head} type_id=${type.prototype} linkage=${linkages[type.linkage]}`];
    case 'prototype': {
      const params = type.params.map((one) => `\t'${one.name === '' ? '(anon)' : one.name}' type_id=${one.type}`);
      if (type.variadic) params.push("\t'(anon)' type_id=0");
      return [`${head} ret_type_id=${type.returns} vlen=${params.length}`, ...params];
    }
    case 'variable':
      return [`${head} type_id=${type.type}, linkage=${linkages[type.linkage]}`];
    case 'section':
      return [
        `${head} size=${type.size} vlen=${type.variables.length}`,
        ...type.variables.map((one) => {
          const variable = btf.type(one.type);
          const of = 'name' in variable ? ` (${words[variable.kind] ?? variable.kind} '${variable.name}')` : '';
          return `\ttype_id=${one.type} offset=${one.offset} size=${one.size}${of}`;
        }),
      ];
    case 'declTag':
      return [`${head} type_id=${type.target} component_idx=${type.component}`];
    case 'void':
      return [];
    default:
      return [`${head} type_id=${type.target}`];
  }
}
