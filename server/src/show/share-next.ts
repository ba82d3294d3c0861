/**
 * Lets those who ask for the same thing while it is being read share the next reading, so that what each gets was read after it asked. One reading
 * of a thing is under way at a time.
 */
export function shareNext<Key, Reading>(
  read: (key: Key) => Promise<Reading>,
): (key: Key) => Promise<Reading> {
  const running = new Map<Key, { end: Promise<void>; next?: Promise<Reading> }>();

  function start(key: Key): Promise<Reading> {
    const reading = read(key);
    const end = reading.then(
      () => {},
      () => {},
    );
    const current = { end };
    running.set(key, current);
    void end.then(() => running.get(key) === current && running.delete(key));
    return reading;
  }

  return (key) => {
    const current = running.get(key);
    if (current === undefined) return start(key);
    current.next ??= current.end.then(() => start(key));
    return current.next;
  };
}
