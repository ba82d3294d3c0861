import { createHash } from "node:crypto";
import type { Film } from "./films.ts";

const charactersPerLine = 14;
const lineHeight = 38;

/** An SVG poster of 300 × 450: a gradient that belongs to the film's id, its title in lines, and its year. */
export function drawPoster(film: Film): string {
  const [hue, turn] = coloursOf(film.imdbId);
  const lines = wrapWords(film.title);
  const firstLine = 400 - lines.length * lineHeight;
  const title = lines
    .map((line, index) => `<tspan x="28" y="${firstLine + index * lineHeight}">${escapeXml(line)}</tspan>`)
    .join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 450" width="300" height="450" role="img">
<title>${escapeXml(film.title)}</title>
<defs><linearGradient id="sky" x1="0" y1="0" x2="0.6" y2="1">
<stop offset="0" stop-color="hsl(${hue} 55% 42%)"/><stop offset="1" stop-color="hsl(${(hue + turn) % 360} 60% 14%)"/>
</linearGradient></defs>
<rect width="300" height="450" fill="url(#sky)"/>
<circle cx="222" cy="104" r="54" fill="hsl(${(hue + 40) % 360} 80% 78%)" opacity="0.55"/>
<text font-family="Georgia, serif" font-size="30" font-weight="700" fill="#fff">${title}</text>
<rect x="28" y="402" width="36" height="2" fill="#fff" opacity="0.7"/>
<text x="28" y="428" font-family="Helvetica, Arial, sans-serif" font-size="15" fill="#fff" opacity="0.8">${film.year}</text>
</svg>
`;
}

function coloursOf(imdbId: string): [hue: number, turn: number] {
  const digest = createHash("sha256").update(imdbId).digest();
  return [digest.readUInt16BE(0) % 360, 30 + (digest.readUInt16BE(2) % 90)];
}

function wrapWords(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > charactersPerLine) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
