import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The files of one font: its weights, each as a path below `@expo-google-fonts/`. */
export interface Font {
  regular: string;
  /** Undefined for a font of one weight. */
  strong?: string | undefined;
  /** Characters of the one script that the font is for; undefined for a font of several. */
  script?: RegExp;
}

// By their names in Unicode, those of India and its neighbours first.
const scripts =
  "Tamil Telugu Bengali Kannada Malayalam Gujarati Oriya Sinhala Meetei_Mayek Ol_Chiki Thaana Arabic Hebrew Syriac Lao Khmer Myanmar " +
  "Georgian Armenian Ethiopic Hanifi_Rohingya Cham Javanese Balinese Lisu Adlam Cherokee Canadian_Aboriginal";
const scriptsInOneWeight = "Chakma Syloti_Nagri Tai_Viet Yi Mongolian Tifinagh Nko Vai Osage";

/** The font of the house, which has Latin and Devanagari. */
export const houseFont: Font = weighted("poppins", "Poppins");

/** All fonts in the order in which they are tried: the house's, those of one script, then the others. The largest are last. */
export const fonts: readonly Font[] = [
  houseFont,
  weighted("noto-sans", "NotoSans"),
  ...scripts.split(" ").map((script) => forScript(script, noto(script))),
  ...scriptsInOneWeight.split(" ").map((script) => forScript(script, { ...noto(script), strong: undefined })),
  // The sign of the currency is of no script, nor is the khanda.
  forScript("Thai", noto("Thai"), "฿"),
  forScript("Gurmukhi", noto("Gurmukhi"), "☬"),
  forScript("Tibetan", weighted("noto-serif-tibetan", "NotoSerifTibetan")),
  weighted("nanum-gothic", "NanumGothic", "700Bold"),
  // Every ideograph of the Basic Multilingual Plane and the kana.
  { regular: "chocolate-classical-sans/400Regular/ChocolateClassicalSans_400Regular.ttf" },
  weighted("noto-emoji", "NotoEmoji"),
  { regular: "noto-sans-symbols-2/400Regular/NotoSansSymbols2_400Regular.ttf" },
];

/** The bytes of a TrueType file that a font names. */
export function readFontFile(path: string): Buffer {
  return readFileSync(fileURLToPath(import.meta.resolve(`@expo-google-fonts/${path}`)));
}

function weighted(name: string, file: string, strong = "600SemiBold"): Font {
  return {
    regular: `${name}/400Regular/${file}_400Regular.ttf`,
    strong: `${name}/${strong}/${file}_${strong}.ttf`,
  };
}

function noto(script: string): Font {
  const file = script === "Nko" ? "NKo" : script.replaceAll("_", "");
  return weighted(`noto-sans-${script.toLowerCase().replaceAll("_", "-")}`, `NotoSans${file}`);
}

function forScript(script: string, font: Font, others = ""): Font {
  return { ...font, script: new RegExp(`[\\p{Script_Extensions=${script}}${others}]`, "u") };
}
