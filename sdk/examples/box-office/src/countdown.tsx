import { countdown, type RunningOut } from "@skyfox/sdk";
import { useEffect, useRef, useState } from "react";
import { minutes } from "./format.ts";

const lastMinuteMs = 60_000;
const askAgainMs = 5_000;

/**
 * What a hold has left, second by second on the server's clock, and a word when the last minute begins. Calls `onOver` when nothing is left, and
 * every five seconds while it is still shown then.
 */
export function Countdown({ hold, onOver }: { hold: RunningOut; onOver: () => void }) {
  const [remainingMs, setRemainingMs] = useState(hold.timeRemainingMs ?? 0);
  const over = useRef(onOver);
  over.current = onOver;
  const { expiresAt, timeRemainingMs } = hold;
  useEffect(
    () => countdown({ expiresAt, timeRemainingMs }, setRemainingMs),
    // The instant alone says when it is over; what was left then changes with each answer.
    [expiresAt?.getTime()],
  );
  const isOver = remainingMs === 0;
  useEffect(() => {
    if (!isOver) return undefined;
    over.current();
    const timer = setInterval(() => over.current(), askAgainMs);
    return () => clearInterval(timer);
  }, [isOver]);
  const isLastMinute = remainingMs <= lastMinuteMs;
  return (
    <>
      <span className={isLastMinute ? "countdown last" : "countdown"} role="timer">
        {minutes(remainingMs)}
      </span>
      <span className="unseen" role="status">
        {isLastMinute ? "Less than a minute is left." : ""}
      </span>
    </>
  );
}
