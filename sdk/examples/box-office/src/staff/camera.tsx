import { useEffect, useRef, useState } from "react";
import { Notice } from "../ui.tsx";
import { NoDecoderError, readCode } from "./read-code.ts";

const lookEveryMs = 200;

/** Looks for a code with the camera, until it has found one. Where there is no camera, or it is denied, it says so. */
export function Camera({ onCode }: { onCode: (text: string) => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const found = useRef(onCode);
  found.current = onCode;
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    const watch = new AbortController();
    look(video.current, watch.signal).then(
      // A camera that was stopped checks nothing in, even if it saw a code.
      (text) => text !== undefined && !watch.signal.aborted && found.current(text),
      (error: unknown) => !watch.signal.aborted && setProblem(sayCameraProblem(error)),
    );
    return () => watch.abort();
  }, []);
  if (problem !== undefined) return <Notice kind="bad">{problem}</Notice>;
  return <video ref={video} className="camera" muted playsInline aria-label="What the camera sees" />;
}

async function look(video: HTMLVideoElement | null, signal: AbortSignal): Promise<string | undefined> {
  if (video === null) return undefined;
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const stop = () => {
    for (const track of stream.getTracks()) track.stop();
  };
  // The light goes out at once, not at the next look.
  signal.addEventListener("abort", stop);
  try {
    // Stopped while the browser asked for the camera: a video that is gone never plays.
    signal.throwIfAborted();
    video.srcObject = stream;
    await video.play();
    while (!signal.aborted) {
      const text = await readCode(video);
      if (text !== undefined) return text;
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
    return undefined;
  } finally {
    stop();
  }
}

function sayCameraProblem(error: unknown): string {
  if (error instanceof NoDecoderError) return error.message;
  const name = error instanceof DOMException ? error.name : "";
  const why =
    name === "NotAllowedError" ? "The camera is not allowed here." : "There is no camera that can be used.";
  return `${why} Choose a picture of the ticket, or paste its code.`;
}
