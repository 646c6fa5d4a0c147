/** The public API of tracebed. */
export {};
