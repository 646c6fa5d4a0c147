import type { Category } from './categories.ts';

/** A message, what it means, and what helps (see messages.ts). */
export interface MessageRow {
  readonly form: string;
  readonly category: Category;
  readonly reason: string;
  readonly suggestion?: string;
}

export function row(form: string, category: Category, reason: string, suggestion?: string): MessageRow {
  return suggestion === undefined ? { form, category, reason } : { form, category, reason, suggestion };
}
