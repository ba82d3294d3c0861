import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { create } from "fontkit";
import { shapedByHarfBuzz, type ShapingFontFile } from "./shape-text.ts";

/** How heavy text looks; a font that has one weight only gives that. */
export type Weight = "regular" | "strong";

/** One font in one weight. It is read at its first use and kept. */
export interface Face {
  name: string;
  font: ShapingFontFile;
}

interface FontFiles {
  package: string;
  regular: string;
  strong?: string | undefined;
  /** Characters of its script: it is not even read for others. */
  script?: RegExp;
}

// By their names in Unicode, those of India and its neighbours first.
const scripts =
  "Tamil Telugu Bengali Kannada Malayalam Gujarati Oriya Sinhala Meetei_Mayek Ol_Chiki Thaana Arabic Hebrew Syriac Lao Khmer Myanmar " +
  "Georgian Armenian Ethiopic Hanifi_Rohingya Cham Javanese Balinese Lisu Adlam Cherokee Canadian_Aboriginal";
const scriptsInOneWeight = "Chakma Syloti_Nagri Tai_Viet Yi Mongolian Tifinagh Nko Vai Osage";

// Tried in this order: ours, then those of one script, then the others. The largest are last.
const fonts: FontFiles[] = [
  weighted("poppins", "Poppins"),
  weighted("noto-sans", "NotoSans"),
  ...scripts.split(" ").map((script) => forScript(script, noto(script))),
  ...scriptsInOneWeight.split(" ").map((script) => forScript(script, { ...noto(script), strong: undefined })),
  // The sign of the currency is of no script, nor is the khanda.
  forScript("Thai", noto("Thai"), "฿"),
  forScript("Gurmukhi", noto("Gurmukhi"), "☬"),
  forScript("Tibetan", weighted("noto-serif-tibetan", "NotoSerifTibetan")),
  weighted("nanum-gothic", "NanumGothic", "700Bold"),
  // Every ideograph of the Basic Multilingual Plane and the kana.
  { package: "chocolate-classical-sans", regular: "400Regular/ChocolateClassicalSans_400Regular.ttf" },
  weighted("noto-emoji", "NotoEmoji"),
  { package: "noto-sans-symbols-2", regular: "400Regular/NotoSansSymbols2_400Regular.ttf" },
];

const faces = new Map<string, Face>();

/** The face for these characters, which belong together: the one before when it has them, or the first that does, or undefined. */
export function findFace(characters: string, weight: Weight, before?: Face): Face | undefined {
  const codePoints = Array.from(characters, (character) => character.codePointAt(0) ?? 0).filter(isVisible);
  const covers = ({ font }: Face) => codePoints.every((codePoint) => font.hasGlyphForCodePoint(codePoint));
  if (before !== undefined && isCommon(characters) && covers(before)) return before;
  for (const files of fonts) {
    if (files.script?.test(characters) === false) continue;
    const face = openFace(files, weight);
    if (covers(face)) return face;
  }
  return undefined;
}

/** The face of the house, which has Latin and Devanagari. */
export function houseFace(weight: Weight): Face {
  return openFace(weighted("poppins", "Poppins"), weight);
}

function weighted(name: string, file: string, strong = "600SemiBold"): FontFiles {
  return {
    package: name,
    regular: `400Regular/${file}_400Regular.ttf`,
    strong: `${strong}/${file}_${strong}.ttf`,
  };
}

function noto(script: string): FontFiles {
  const file = script === "Nko" ? "NKo" : script.replaceAll("_", "");
  return weighted(`noto-sans-${script.toLowerCase().replaceAll("_", "-")}`, `NotoSans${file}`);
}

function forScript(script: string, files: FontFiles, others = ""): FontFiles {
  return { ...files, script: new RegExp(`[\\p{Script_Extensions=${script}}${others}]`, "u") };
}

function openFace(files: FontFiles, weight: Weight): Face {
  const file = `${files.package}/${files[weight] ?? files.regular}`;
  let face = faces.get(file);
  if (face === undefined) {
    const stored = readFileSync(fileURLToPath(import.meta.resolve(`@expo-google-fonts/${file}`)));
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
