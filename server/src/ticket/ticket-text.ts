import bidiFactory from "bidi-js";
import { findFace, houseFace, type Face, type Weight } from "./ticket-fonts.ts";

/** A piece of a line in one font and one direction, to be drawn from left to right after the piece before it. */
export interface Run {
  text: string;
  face: Face;
  /** At a font size of 1. */
  width: number;
}

/** Lines of text, each with its runs from left to right, all at one size. */
export interface TextBlock {
  size: number;
  lines: Run[][];
}

/** The room for a text: it is set in the first of these sizes in which it fits whole. */
export interface Room {
  width: number;
  /** From large to small. */
  sizes: { size: number; maxLines: number }[];
  weight: Weight;
}

/** A character as a reader sees it, whatever it consists of. */
interface Cluster {
  text: string;
  face: Face;
  level: number;
}

/** What is never divided unless it alone is wider than a line: mostly a word, without the spaces after it. */
interface Word {
  start: number;
  end: number;
  /** Where the next word starts, after the spaces. */
  next: number;
  width: number;
}

// Its declarations are of another module system than its code.
const bidi = (bidiFactory as unknown as typeof bidiFactory.default)();
const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });
const words = new Intl.Segmenter("und", { granularity: "word" });
const unknownCharacter = "\u{FFFD}";

// More than any room has place for; what sets text takes longer than linearly.
const maxLength = 1_500;

/**
 * Sets a text of any script in lines: fonts by what they have, direction by the Unicode Bidirectional Algorithm (UAX #9). What fits in no size
 * is cut in the smallest, with an ellipsis.
 */
export function setText(text: string, room: Room): TextBlock {
  const clusters = clustersOf(clean(text), room.weight);
  const found = wordsOf(clusters);
  for (const { size, maxLines } of room.sizes) {
    const width = room.width / size;
    if (found.some((word) => word.width > width)) continue;
    const lines = fillLines(found, width);
    if (lines.length <= maxLines) return { size, lines: lines.map((line) => runsOf(clusters, line)) };
  }
  const { size, maxLines } = room.sizes.at(-1) ?? { size: 1, maxLines: 1 };
  const width = room.width / size;
  const lines = fillLines(
    found.flatMap((word) => divide(clusters, word, width)),
    width,
  );
  const shown = lines.slice(0, maxLines).map((line) => runsOf(clusters, line));
  const last = lines[maxLines - 1];
  if (last !== undefined && lines.length > maxLines) shown[maxLines - 1] = cutLine(clusters, last, width);
  return { size, lines: shown };
}

/** A text of ours in one line at this size. */
export function setLine(text: string, { size, weight }: { size: number; weight: Weight }): TextBlock {
  return setText(text, { width: Infinity, sizes: [{ size, maxLines: 1 }], weight });
}

/** How wide a line is at a font size of 1. */
export function widthOf(line: Run[]): number {
  return line.reduce((sum, run) => sum + run.width, 0);
}

// What cannot be seen could only mislead: controls, marks of direction, halves of characters.
function clean(text: string): string {
  return text
    .slice(0, maxLength)
    .toWellFormed()
    .normalize("NFC")
    .replaceAll(/[^\S\u{A0}]+/gu, " ")
    .replaceAll(/(?![\u{200C}\u{200D}])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
      isTag(character) ? character : "",
    )
    .trim();
}

// Flags of regions are written with tags, which are format characters otherwise.
function isTag(character: string): boolean {
  return /[\u{E0020}-\u{E007F}]/u.test(character);
}

function clustersOf(text: string, weight: Weight): Cluster[] {
  const { levels } = bidi.getEmbeddingLevels(text);
  let before: Face | undefined;
  return Array.from(graphemes.segment(text), ({ segment, index }) => {
    // Between words of whatever font the space is as wide as ours: that of some is as wide as a letter.
    const face = segment === " " ? houseFace(weight) : findFace(segment, weight, before);
    if (segment !== " ") before = face;
    return face === undefined
      ? { text: unknownCharacter, face: findFace(unknownCharacter, weight) ?? houseFace(weight), level: 0 }
      : { text: segment, face, level: levels[index] ?? 0 };
  });
}

function wordsOf(clusters: Cluster[]): Word[] {
  const found: Word[] = [];
  let start = 0;
  const breaks = breaksOf(clusters);
  for (let end = 1; end <= clusters.length; end += 1) {
    if (end < clusters.length && !breaks.has(end)) continue;
    let visible = end;
    while (visible > start && clusters[visible - 1]?.text === " ") visible -= 1;
    found.push({ start, end: visible, next: end, width: widthBetween(clusters, start, visible) });
    start = end;
  }
  return found;
}

// A line may end after a space or a dash, and between words of scripts that have no spaces, unless punctuation would be torn off.
function breaksOf(clusters: Cluster[]): Set<number> {
  const breaks = new Set<number>();
  const indexes = new Map<number, number>();
  let length = 0;
  for (const [index, { text }] of clusters.entries()) {
    indexes.set(length, index);
    length += text.length;
  }
  for (const { index } of words.segment(clusters.map(({ text }) => text).join(""))) {
    const at = indexes.get(index);
    const [before, after] = [clusters[(at ?? 0) - 1]?.text, clusters[at ?? 0]?.text];
    if (at === undefined || before === undefined || after === undefined || after === " ") continue;
    const isAfterGap = before === " " || /^[-\u{2010}\u{2013}\u{2014}/]$/u.test(before);
    const isBetweenWords = withoutSpaces.test(before) || withoutSpaces.test(after);
    const tearsOff = /^[\p{Pe}\p{Pf}\p{Po}ー]/u.test(after) || /^[\p{Ps}\p{Pi}]/u.test(before);
    if (isAfterGap || (isBetweenWords && !tearsOff)) breaks.add(at);
  }
  return breaks;
}

const withoutSpaces =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

interface Line {
  start: number;
  end: number;
}

function fillLines(found: Word[], width: number): Line[] {
  const lines: Line[] = [];
  let used = 0;
  let spaces = 0;
  let previous: Word | undefined;
  for (const word of found) {
    const line = lines.at(-1);
    spaces = previous === undefined ? 0 : (previous.next - previous.end) * spaceWidth;
    if (line === undefined || used + spaces + word.width > width) {
      lines.push({ start: word.start, end: word.end });
      used = word.width;
    } else {
      line.end = word.end;
      used += spaces + word.width;
    }
    previous = word;
  }
  return lines;
}

// The widest of the house's.
const spaceWidth = 0.3;

function divide(clusters: Cluster[], word: Word, width: number): Word[] {
  if (word.width <= width) return [word];
  const parts: Word[] = [];
  let start = word.start;
  for (let end = start + 1; end <= word.end; end += 1) {
    const isLast = end === word.end;
    if (!isLast && widthBetween(clusters, start, end + 1) <= width) continue;
    parts.push({
      start,
      end,
      next: isLast ? word.next : end,
      width: widthBetween(clusters, start, end),
    });
    start = end;
  }
  return parts;
}

function cutLine(clusters: Cluster[], { start, end }: Line, width: number): Run[] {
  const { face, level } = clusters[start] ?? { face: houseFace("regular"), level: 0 };
  const dots = { text: "…", face: findFace("…", "regular", face) ?? face, level };
  for (let last = end; last > start; last -= 1) {
    const kept = [...clusters.slice(start, last), dots];
    const runs = runsOf(kept, { start: 0, end: kept.length });
    if (widthOf(runs) <= width) return runs;
  }
  return [];
}

function widthBetween(clusters: Cluster[], start: number, end: number): number {
  return widthOf(runsOf(clusters, { start, end }));
}

/** The runs of a line from left to right: rule L2 of UAX #9, by runs instead of characters since a font turns its own glyphs. */
function runsOf(clusters: Cluster[], { start, end }: Line): Run[] {
  const runs: { clusters: Cluster[]; level: number; face: Face }[] = [];
  for (const cluster of clusters.slice(start, end)) {
    const run = runs.at(-1);
    const first = run?.clusters[0];
    if (run?.face === cluster.face && run.level === cluster.level && isLike(first, cluster)) {
      run.clusters.push(cluster);
    } else runs.push({ clusters: [cluster], level: cluster.level, face: cluster.face });
  }
  const highest = Math.max(0, ...runs.map(({ level }) => level));
  for (let level = highest; level > 0; level -= 1) {
    for (let from = 0; from < runs.length; from += 1) {
      let to = from;
      while ((runs[to]?.level ?? 0) >= level) to += 1;
      runs.splice(from, to - from, ...runs.slice(from, to).toReversed());
      from = Math.max(from, to);
    }
  }
  return runs.map(({ clusters: ofRun, level, face }) => {
    const text = textOf(ofRun, level % 2 === 1);
    return { text, face, width: face.font.layout(text).advanceWidth / face.font.unitsPerEm };
  });
}

// A font shapes a run by one script: Devanagari needs it, and shares a font with Latin.
function isLike(one: Cluster | undefined, other: Cluster): boolean {
  return one !== undefined && isDevanagari(one) === isDevanagari(other);
}

function isDevanagari({ text }: Cluster): boolean {
  return /\p{Script=Devanagari}/u.test(text);
}

// What is of a right-to-left script is turned when it is shaped, and its brackets with it; nothing else is.
function textOf(clusters: Cluster[], isRightToLeft: boolean): string {
  const text = clusters.map((cluster) => cluster.text).join("");
  if (!isRightToLeft || /[^\p{Script=Common}\p{Script=Inherited}]/u.test(text)) return text;
  const mirrored = clusters.map((cluster) => bidi.getMirroredCharacter(cluster.text) ?? cluster.text);
  return mirrored.toReversed().join("");
}
