/** What is wrong with a number that is no integer, in clang's words. */
export function wrongInteger(text: string): string {
  const octal = /^0[0-7]*([89])/.exec(text);
  if (octal) return `invalid digit '${octal[1]}' in octal constant`;
  const binary = /^0[bB][01]*([2-9])/.exec(text);
  if (binary) return `invalid digit '${binary[1]}' in binary constant`;
  const [digits = ''] = /^(?:0[xX][0-9a-fA-F]*|0[bB][01]*|\d+)/.exec(text) ?? [];
  return `invalid suffix '${text.slice(digits.length)}' on integer constant`;
}

/** Where in a number the fault lies: the digit or suffix. */
export function wrongIntegerOffset(text: string): number {
  const wrong = /^(?:0[bB][01]*(?=[2-9])|0[0-7]*(?=[89])|0[xX][0-9a-fA-F]*|\d+)/.exec(text);
  return wrong?.[0].length ?? 0;
}
