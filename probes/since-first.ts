/** The column TIME(s) of tools that count from the first event they see: seconds, from ns, in whole microseconds as BCC's. */
export function sinceFirst(): (time: number) => number {
  let first: number | undefined;
  return (time) => {
    const microseconds = Math.floor(time / 1000);
    first ??= microseconds;
    return (microseconds - first) / 1e6;
  };
}
