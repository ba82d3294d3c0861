const secondMs = 1_000;

/** Counts what happens, and tells the number at most once a second. */
export function countPerSecond(tell: (count: number) => void): () => void {
  let count = 0;
  return () => {
    count += 1;
    if (count > 1) return;
    setTimeout(() => {
      tell(count);
      count = 0;
    }, secondMs).unref();
  };
}
