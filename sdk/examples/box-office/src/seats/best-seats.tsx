import {
  bestSeats,
  longestBlock,
  maxSeatsPerBooking,
  seatTypes,
  type SeatMap,
  type SeatType,
} from "@skyfox/sdk";
import { useState, type FormEvent } from "react";
import { count } from "../format.ts";
import { Notice, Select } from "../ui.tsx";

/** Chooses the best free seats for a number of people, as the server would: the SDK has the same function. */
export function BestSeats({ seatMap, onChoose }: { seatMap: SeatMap; onChoose: (seats: string[]) => void }) {
  const [people, setPeople] = useState(2);
  const [type, setType] = useState<SeatType>();
  const [problem, setProblem] = useState<string>();

  function choose(event: FormEvent): void {
    event.preventDefault();
    const found = bestSeats(seatMap, people, type);
    if (found !== null) onChoose(found.seatNumbers);
    setProblem(
      found === null
        ? `There are no ${people} free seats side by side any more, ${longestBlock(seatMap, type)} at most.`
        : undefined,
    );
  }

  return (
    <form className="best-seats" onSubmit={choose}>
      <Select label="People" value={people} onChange={({ target }) => setPeople(Number(target.value))}>
        {Array.from({ length: maxSeatsPerBooking }, (_, index) => (
          <option key={index} value={index + 1}>
            {index + 1}
          </option>
        ))}
      </Select>
      <Select
        label="Kind"
        value={type ?? ""}
        onChange={({ target }) => setType(seatTypes.find((one) => one === target.value))}
      >
        <option value="">Any</option>
        {seatTypes.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </Select>
      <button type="submit">Choose the best {count(people, "seat")}</button>
      {problem !== undefined && <Notice kind="bad">{problem}</Notice>}
    </form>
  );
}
