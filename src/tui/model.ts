import { type Run, type Speed, type TracedRecord, watchRecords } from '../lab/index.ts';
import type { Hit } from './block.ts';
import { Browser, isRecord } from './browser.ts';
import { exportName, exportText } from './export.ts';
import { formatClock } from './figures.ts';
import { formatSpeed } from './header.ts';
import type { Input } from './input.ts';
import { type Action, actionOf, type PageKind } from './keys.ts';

/** What only the owner of the terminal can do. */
export type Effect = 'quit' | 'interrupt' | 'suspend' | 'redraw';

/** Writes a new file. @returns false when there is one of that name */
export type FileWriter = (name: string, text: string) => boolean;

export type Overlay = 'help' | 'ledger' | 'printed';

export interface Layout {
  /** Lines of the body. */
  readonly height: number;
  /** First line of a document that shows its end. */
  readonly end: number;
  /** What a click means there. */
  readonly hitAt: (x: number, y: number) => Hit | undefined;
}

/** Speeds that `+` and `-` step through. */
const speeds: readonly Speed[] = [0.01, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000, 'max'];

/** Rows that one notch of the wheel moves. */
const notch = 3;

/** Lines of the trace pipe kept. */
const printedLimit = 1000;

/**
 * The dashboard without its terminal: the run, where the user is in it, and what each input changes. The page draws it;
 * it only leaves in `layout` how high the body was and what could be clicked where.
 */
export class DashboardModel {
  readonly run: Run;
  /** Undefined when the tool shows a text. */
  readonly browser: Browser | undefined;
  /** The record whose page is open. */
  record: TracedRecord | undefined = undefined;
  overlay: Overlay | undefined = undefined;
  filter = '';
  /** The filter is being typed. */
  editing = false;
  preview = true;
  /** One line for the user, until the next input. */
  message = '';
  /** First line wanted of the document on the screen; infinity follows its end. */
  scroll = 0;
  /** Of the last frame. */
  layout: Layout = { height: 1, end: 0, hitAt: () => undefined };
  /** The newest lines of the trace pipe. */
  printed: readonly string[] = [];
  readonly #write: FileWriter;
  #overlayScroll = 0;

  constructor(run: Run, write: FileWriter) {
    this.run = run;
    this.#write = write;
    if (run.view.kind === 'records') this.browser = new Browser(run.view, watchRecords(run));
    // A histogram has its tall bars and its totals at the end.
    else if (run.view.first !== 'begin') this.scroll = Number.POSITIVE_INFINITY;
    run.printed.subscribe((lines) => {
      this.printed = [...this.printed, ...lines].slice(-printedLimit);
    });
  }

  /** What keys and footer go by. */
  get page(): PageKind {
    return this.overlay ? 'overlay' : this.pageBelow;
  }

  /** The page below any overlay. */
  get pageBelow(): PageKind {
    if (!this.browser) return 'text';
    if (this.record) return 'detail';
    return this.browser.level ? 'groups' : 'records';
  }

  get #isList(): boolean {
    return this.page === 'groups' || this.page === 'records';
  }

  input(input: Input): Effect | undefined {
    this.message = '';
    if (input.kind === 'key') return this.#key(input.key);
    if (input.what === 'press') return this.#click(input.x, input.y);
    this.#move(input.what === 'wheelUp' ? -notch : notch);
    return undefined;
  }

  #key(key: string): Effect | undefined {
    if (this.editing && this.#edit(key)) return undefined;
    const action = actionOf(key, this.page);
    return action && this.#act(action);
  }

  /** Typing a filter. @returns whether the key was for it */
  #edit(key: string): boolean {
    if (key === 'enter') this.editing = false;
    else if (key === 'escape') {
      this.editing = false;
      this.#setFilter('');
    } else if (key === 'backspace') {
      if (this.filter === '') this.editing = false;
      this.#setFilter([...this.filter].slice(0, -1).join(''));
    } else if (key === 'C-u') this.#setFilter('');
    else if (key === 'space') this.#setFilter(`${this.filter} `);
    else if ([...key].length === 1) this.#setFilter(this.filter + key);
    else return false;
    return true;
  }

  #setFilter(text: string): void {
    this.filter = text;
    this.browser?.setFilter(text);
  }

  #click(x: number, y: number): Effect | undefined {
    const hit = this.layout.hitAt(x, y);
    if (!hit) return undefined;
    if (hit.kind === 'action') return this.#act(hit.action);
    if (hit.kind === 'sort') this.browser?.sortBy(hit.key);
    else if (hit.kind === 'level') this.#goTo(hit.depth);
    else this.#clickRow(hit.index);
    return undefined;
  }

  #clickRow(index: number): void {
    if (!this.browser) return;
    const rows = this.browser.rows(this.run.time);
    if (this.browser.index(rows) === index) this.#open();
    else this.browser.selectAt(index, rows);
  }

  #goTo(depth: number): void {
    this.record = undefined;
    this.browser?.close(depth);
  }

  #act(action: Action): Effect | undefined {
    switch (action) {
      case 'quit':
      case 'interrupt':
      case 'suspend':
      case 'redraw':
        return action;
      case 'help':
      case 'ledger':
      case 'printed':
        return this.#toggle(action);
      case 'up':
        return this.#move(-1);
      case 'down':
        return this.#move(1);
      case 'pageUp':
        return this.#move(1 - this.layout.height);
      case 'pageDown':
        return this.#move(this.layout.height - 1);
      case 'top':
        return this.#move(Number.NEGATIVE_INFINITY);
      case 'bottom':
        return this.#move(Number.POSITIVE_INFINITY);
      case 'back':
        return this.#back();
      case 'escape':
        return this.#escape();
      case 'pause':
        return this.#pause();
      case 'faster':
        return this.#setSpeed(speeds.find((speed) => isFaster(speed, this.run.speed)));
      case 'slower':
        return this.#setSpeed(speeds.findLast((speed) => isFaster(this.run.speed, speed)));
      case 'export':
        return this.#export();
      default:
        return this.#actOnList(action);
    }
  }

  #actOnList(action: Action): undefined {
    if (action === 'open') this.#open();
    else if (action === 'filter') this.editing = true;
    else if (action === 'sort') this.browser?.sortNext();
    else if (action === 'reverse') this.browser?.reverse();
    else if (action === 'preview') this.preview = !this.preview;
    else if (action === 'reset') this.#reset();
    else if (action === 'next') this.#step(1);
    else if (action === 'previous') this.#step(-1);
  }

  #toggle(overlay: Overlay): undefined {
    if (this.overlay === undefined) this.#overlayScroll = this.scroll;
    this.overlay = this.overlay === overlay ? undefined : overlay;
    this.scroll =
      this.overlay === undefined ? this.#overlayScroll : overlay === 'printed' ? Number.POSITIVE_INFINITY : 0;
  }

  #move(by: number): undefined {
    if (this.#isList) this.browser?.move(by, this.run.time);
    else this.scroll = Math.max(0, Math.min(this.scroll, this.layout.end) + by);
  }

  #open(): void {
    const { browser } = this;
    if (!browser) return;
    if (!browser.level) {
      const row = browser.selected(this.run.time);
      if (row && isRecord(row)) this.#openRecord(row);
    } else if (browser.selected(this.run.time) && !browser.open(this.run.time)) {
      this.message = 'These groups were folded to bound memory: only their sum is kept.';
    }
  }

  #openRecord(record: TracedRecord): void {
    this.browser?.select(record);
    this.record = record;
    this.scroll = 0;
  }

  #step(by: number): void {
    const rows = this.browser?.records() ?? [];
    const index = this.record ? rows.indexOf(this.record) : -1;
    const next = index < 0 ? undefined : rows[index + by];
    if (next) this.#openRecord(next);
    else this.message = by > 0 ? 'That is the last one.' : 'That is the first one.';
  }

  #back(): undefined {
    if (this.overlay) this.#toggle(this.overlay);
    else if (this.record) this.record = undefined;
    else this.browser?.close();
  }

  #escape(): undefined {
    if (this.page !== 'overlay' && this.page !== 'detail' && this.filter !== '') this.#setFilter('');
    else this.#back();
  }

  #pause(): undefined {
    if (this.run.state === 'paused') this.run.resume();
    else if (this.run.state === 'ended') this.message = 'The scenario has ended.';
    else this.run.pause();
  }

  #setSpeed(speed: Speed | undefined): undefined {
    if (speed !== undefined) this.run.setSpeed(speed);
    this.message = `Speed ${formatSpeed(this.run.speed)}`;
  }

  #reset(): void {
    this.browser?.reset();
    this.message = `Counting anew from ${formatClock(this.run.time)}; the ledger goes on.`;
  }

  #export(): undefined {
    const text = exportText(this);
    for (let attempt = 1; ; attempt++) {
      const name = exportName(this.run, attempt);
      try {
        if (!this.#write(name, text)) continue;
        this.message = `Written to ${name}`;
      } catch (fault) {
        this.message = `Not written: ${fault instanceof Error ? fault.message : String(fault)}`;
      }
      return undefined;
    }
  }
}

const isFaster = (a: Speed, b: Speed): boolean =>
  (a === 'max' ? Number.POSITIVE_INFINITY : a) > (b === 'max' ? Number.POSITIVE_INFINITY : b);
