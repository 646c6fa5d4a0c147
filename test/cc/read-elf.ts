/** The sections, symbols and relocations of an ELF64 object, as the format has them (System V ABI, chapter 4). */
export function readElf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [table, count, names] = [view.getUint32(40, true), view.getUint16(60, true), view.getUint16(62, true)];
  const headers = Array.from({ length: count }, (_, i) => {
    const at = table + i * 64;
    const word = (offset: number): number => view.getUint32(at + offset, true);
    return { name: word(0), type: word(4), offset: word(24), size: word(32), link: word(40), info: word(44) };
  });
  const text = (section: number, at: number): string => {
    const start = (headers[section]?.offset ?? 0) + at;
    return Buffer.from(bytes.subarray(start, bytes.indexOf(0, start))).toString();
  };
  const sections = headers.map((header) => ({ ...header, name: text(names, header.name) }));
  const find = (name: string) => {
    const found = sections.find((one) => one.name === name);
    if (!found) throw new Error(`no section ${name}`);
    return found;
  };
  const contents = (name: string): Uint8Array => {
    const { offset, size, type } = find(name);
    // SHT_NOBITS has none in the file.
    return type === 8 ? new Uint8Array(size) : bytes.slice(offset, offset + size);
  };
  const symtab = find('.symtab');
  const symbols = Array.from({ length: symtab.size / 24 }, (_, i) => {
    const at = symtab.offset + i * 24;
    return {
      name: text(symtab.link, view.getUint32(at, true)),
      section: sections[view.getUint16(at + 6, true)]?.name ?? '',
      offset: view.getUint32(at + 8, true),
      size: view.getUint32(at + 16, true),
    };
  });
  const relocations = (section: string) => {
    const { offset, size } = find(`.rel${section}`);
    return Array.from({ length: size / 16 }, (_, i) => {
      const at = offset + i * 16;
      const symbol = symbols[view.getUint32(at + 12, true)];
      return {
        offset: view.getUint32(at, true),
        type: view.getUint32(at + 8, true),
        symbol: symbol?.name === '' ? symbol.section : symbol?.name,
        section: symbol?.section ?? '',
        value: symbol?.offset ?? 0,
      };
    });
  };
  return { names: sections.map((one) => one.name), section: contents, symbols, relocations };
}
