import { scan } from 'rxjs';
import { bucketWidth } from './meter.ts';
import type { Run } from './run.ts';
import { GroupTree, type TreeLimits } from './tree.ts';

/**
 * The view model of a run whose tool shows records: a tree that grows with each batch the reader takes. Ask it when a
 * frame is due; it tells no one by itself. For a tool that shows a text the tree stays empty.
 */
export function watchRecords(run: Run, limits: Partial<TreeLimits> = {}): GroupTree {
  const view = run.view.kind === 'records' ? run.view : { levels: [] };
  const tree = new GroupTree(view, { bucket: bucketWidth(run.duration), ...limits });
  run.records.pipe(scan((grown, batch) => grown.add(batch), tree)).subscribe();
  return tree;
}
