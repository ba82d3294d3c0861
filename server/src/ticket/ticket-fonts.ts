import { fonts, houseFont, readFontFile, type Font } from "@skyfox/fonts";
import { create } from "fontkit";
import { shapedByHarfBuzz, type ShapingFontFile } from "./shape-text.ts";

/** How heavy text looks; a font that has one weight only gives that. */
export type Weight = "regular" | "strong";

/** One font in one weight. It is read at its first use and kept. */
export interface Face {
  name: string;
  font: ShapingFontFile;
}

const faces = new Map<string, Face>();

/** The face for these characters, which belong together: the one before when it has them, or the first that does, or undefined. */
export function findFace(characters: string, weight: Weight, before?: Face): Face | undefined {
  const codePoints = Array.from(characters, (character) => character.codePointAt(0) ?? 0).filter(isVisible);
  const covers = ({ font }: Face) => codePoints.every((codePoint) => font.hasGlyphForCodePoint(codePoint));
  if (before !== undefined && isCommon(characters) && covers(before)) return before;
  for (const font of fonts) {
    // A font that is not for this script is not even read.
    if (font.script?.test(characters) === false) continue;
    const face = openFace(font, weight);
    if (covers(face)) return face;
  }
  return undefined;
}

/** The face of the house, which has Latin and Devanagari. */
export function houseFace(weight: Weight): Face {
  return openFace(houseFont, weight);
}

function openFace(font: Font, weight: Weight): Face {
  const file = font[weight] ?? font.regular;
  let face = faces.get(file);
  if (face === undefined) {
    const stored = readFontFile(file);
    // fontkit reads the head of every glyph, also of an empty one with which a file ends.
    const bytes = Buffer.concat([stored, Buffer.alloc(16)]);
    const opened = create(bytes);
    if (!("layout" in opened)) throw new Error(`${file} is not one font.`);
    face = { name: file, font: shapedByHarfBuzz(opened, bytes) };
    faces.set(file, face);
  }
  return face;
}

// Digits, spaces and most punctuation are of no script, and look best in the font of what stands around them.
function isCommon(characters: string): boolean {
  return /^[\p{Script=Common}\p{Script=Inherited}]+$/u.test(characters);
}

// Joiners and variation selectors say how their neighbours look, and have no glyph of their own.
function isVisible(codePoint: number): boolean {
  return !/\p{Default_Ignorable_Code_Point}/u.test(String.fromCodePoint(codePoint));
}
