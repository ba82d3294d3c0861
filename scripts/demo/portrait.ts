import { encodePng } from "./png.ts";

// A fox, as far as sixteen by sixteen allow.
const drawing = [
  "................",
  ".o............o.",
  ".oo..........oo.",
  ".obo........obo.",
  ".obbo......obbo.",
  ".oooooooooooooo.",
  ".oooooooooooooo.",
  ".ooowoooooowooo.",
  ".oowbwoooowbwoo.",
  ".ooowoooooowooo.",
  ".wwoooooooooow..",
  "..wwwoooooowww..",
  "...wwwwoowwww...",
  "....wwwbbwww....",
  ".....wwwwww.....",
  "................",
];
const colours: Record<string, [red: number, green: number, blue: number]> = {
  ".": [38, 70, 83],
  o: [231, 111, 26],
  w: [250, 243, 224],
  b: [33, 26, 24],
};
const scale = 16;

/** The picture that the guest of the demo uploads: a PNG of 256 by 256. */
export function drawPortrait(): Buffer {
  const rows = drawing.flatMap((line) => {
    const pixels = Array.from(line).flatMap((letter) =>
      Array.from({ length: scale }, () => colours[letter] ?? [0, 0, 0]),
    );
    const row = Buffer.from([0, ...pixels.flat()]);
    return Array.from({ length: scale }, () => row);
  });
  const side = drawing.length * scale;
  return encodePng({ width: side, height: side }, "rgb8", Buffer.concat(rows));
}
