/** The column TIME(s) of tools that count from the first event they tell: seconds, from ns. */
export function sinceFirst(): (time: number) => number {
  let first: number | undefined;
  return (time) => {
    first ??= time;
    return (time - first) / 1e9;
  };
}
