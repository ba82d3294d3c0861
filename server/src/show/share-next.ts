import { setImmediate as endOfTurn } from "node:timers/promises";

/**
 * Lets those who ask at the same moment share one reading of all that they ask for, and those who ask for a thing while it is being read the next one, so
 * that what each gets was read after it asked. A reading begins once the event loop has handled what else has arrived; one of a thing begins when the one
 * before has ended. `read` answers in the order of its keys; where it fails, it fails for all of them.
 */
export function shareNext<Key, Reading>(
  read: (keys: readonly Key[]) => Promise<readonly Reading[]>,
): (key: Key) => Promise<Reading> {
  // What has not begun yet: the reading of each key, which may still wait for the one before, and the one that begins at the end of this turn.
  const next = new Map<Key, Promise<Reading>>();
  let gathering: { keys: Key[]; readings: Promise<readonly Reading[]> } | undefined;
  // When the latest reading of a key is over.
  const ends = new Map<Key, Promise<void>>();

  function gather() {
    const keys: Key[] = [];
    const readings = endOfTurn().then(() => {
      gathering = undefined;
      for (const key of keys) next.delete(key);
      return read(keys);
    });
    return { keys, readings };
  }

  async function readNext(key: Key): Promise<Reading> {
    await ends.get(key);
    gathering ??= gather();
    const { keys, readings } = gathering;
    const place = keys.push(key) - 1;
    const end = readings.then(
      () => {},
      () => {},
    );
    ends.set(key, end);
    void end.then(() => ends.get(key) === end && ends.delete(key));
    return (await readings)[place]!;
  }

  return (key) => {
    let reading = next.get(key);
    if (reading === undefined) {
      reading = readNext(key);
      next.set(key, reading);
    }
    return reading;
  };
}
