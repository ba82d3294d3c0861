import type { Role } from "@skyfox/sdk";

// Published: the demo seed of a development server makes these people, and its card gateway knows these cards.
const people: Record<Role, { username: string; password: string }> = {
  customer: { username: "customer.one", password: "Seven-Seas-7" },
  staff: { username: "staff-1", password: "foobar" },
  admin: { username: "seed-user-1", password: "foobar" },
};

const cards = {
  "Card that pays": "4242 4242 4242 4242",
  "Declined card": "4000 0000 0000 0002",
  "Slow card": "4000 0000 0000 3220",
};

/** Fills a sign-in form with a person of the demo. */
export function DemoPeople({
  onChoose,
}: {
  onChoose: (person: { username: string; password: string }) => void;
}) {
  return (
    <p className="demo">
      Demo:{" "}
      {Object.entries(people).map(([role, person]) => (
        <button key={role} type="button" className="plain" onClick={() => onChoose(person)}>
          {role}
        </button>
      ))}
    </p>
  );
}

/** A card of the development gateway, as a person would type it. */
export interface DemoCard {
  number: string;
  expiry: string;
  cvv: string;
  name: string;
}

/** Fills a card form with a card of the demo. */
export function DemoCards({ onChoose }: { onChoose: (card: DemoCard) => void }) {
  return (
    <p className="demo">
      Demo:{" "}
      {Object.entries(cards).map(([name, number]) => (
        <button
          key={name}
          type="button"
          className="plain"
          onClick={() => onChoose({ number, expiry: "12 / 40", cvv: "123", name: "Customer One" })}
        >
          {name}
        </button>
      ))}
    </p>
  );
}
