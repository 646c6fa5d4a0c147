/**
 * Which columns fit, and how wide. By priority each gets the least it can live with; one that does not fit is
 * dropped. What cells are left over then go, again by priority, first to the width a column asks for and then to
 * columns whose text is longer still.
 */
export interface TableColumn {
  readonly key: string;
  readonly title: string;
  readonly align: 'left' | 'right';
  /** Cells that it asks for. */
  readonly width: number;
  /** Cells without which it says nothing. */
  readonly least: number;
  /** Cells that its longest text of now would take. */
  readonly longest: number;
  readonly priority: number;
  /** What a click on its title sorts by. */
  readonly sort: string | undefined;
}

export interface PlacedColumn {
  readonly column: TableColumn;
  readonly x: number;
  readonly width: number;
}

/** Columns of a table `cells` wide, in their own order, with `gap` cells between. */
export function placeColumns(columns: readonly TableColumn[], cells: number, gap: number): PlacedColumn[] {
  const ranked = columns
    .map((column, index) => ({ column, index }))
    .sort((a, b) => b.column.priority - a.column.priority);
  const widths = new Map<number, number>();
  let left = cells;
  for (const { column, index } of ranked) {
    const room = left - (widths.size > 0 ? gap : 0);
    if (room < Math.min(column.least, cells)) continue;
    const width = Math.min(column.least, room);
    widths.set(index, width);
    left = room - width;
  }
  for (const wanted of [(column: TableColumn) => column.width, (column: TableColumn) => column.longest]) {
    for (const { column, index } of ranked) {
      const width = widths.get(index);
      if (width === undefined) continue;
      const more = Math.min(left, Math.max(0, wanted(column) - width));
      widths.set(index, width + more);
      left -= more;
    }
  }
  let x = 0;
  return columns.flatMap((column, index) => {
    const width = widths.get(index);
    if (width === undefined) return [];
    const placed = { column, x, width };
    x += width + gap;
    return [placed];
  });
}
