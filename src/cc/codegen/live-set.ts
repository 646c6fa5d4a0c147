/** A set of small numbers that costs nothing to go through: a dense list, and where in it each number is. */
export class LiveSet {
  readonly list: Int32Array;
  count = 0;
  readonly #place: Int32Array;

  constructor(size: number) {
    this.list = new Int32Array(size);
    this.#place = new Int32Array(size).fill(-1);
  }

  add(register: number): void {
    if ((this.#place[register] as number) >= 0) return;
    this.#place[register] = this.count;
    this.list[this.count++] = register;
  }

  delete(register: number): void {
    const place = this.#place[register] as number;
    if (place < 0) return;
    this.#place[register] = -1;
    const last = this.list[--this.count] as number;
    if (last === register) return;
    this.list[place] = last;
    this.#place[last] = place;
  }

  clear(): void {
    for (let i = 0; i < this.count; i++) this.#place[this.list[i] as number] = -1;
    this.count = 0;
  }
}
