import { setImmediate as endOfTurn } from "node:timers/promises";

/**
 * Lets those who ask for the same thing share the next reading of it, so that what each gets was read after it asked. A reading begins once the event loop
 * has handled what else has arrived, and the one before is over: one reading of a thing is under way at a time.
 */
export function shareNext<Key, Reading>(
  read: (key: Key) => Promise<Reading>,
): (key: Key) => Promise<Reading> {
  const running = new Map<Key, Promise<void>>();
  const next = new Map<Key, Promise<Reading>>();

  async function begin(key: Key): Promise<Reading> {
    await running.get(key);
    await endOfTurn();
    next.delete(key);
    const reading = read(key);
    const end = reading.then(
      () => {},
      () => {},
    );
    running.set(key, end);
    void end.then(() => running.get(key) === end && running.delete(key));
    return await reading;
  }

  return (key) => {
    let reading = next.get(key);
    if (reading === undefined) {
      reading = begin(key);
      next.set(key, reading);
    }
    return reading;
  };
}
