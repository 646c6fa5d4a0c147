/** Where an iterator stands. */
export interface IteratorPlace {
  readonly frame: number;
  readonly slot: number;
}
