import { describe, expect, test } from "vitest";
import { setText, widthOf, type Room, type Run } from "./ticket-text.ts";

const room: Room = { width: 200, weight: "regular", sizes: [{ size: 10, maxLines: 5 }] };

function linesOf(text: string, inside = room): string[] {
  return setText(text, inside).lines.map((line) => line.map((run) => run.text).join(""));
}

function runsOf(text: string): Run[] {
  return setText(text, { ...room, width: 10_000 }).lines.flat();
}

function glyphsOf(run: Run): number[] {
  return run.face.font.layout(run.text).glyphs.map(({ id }) => id);
}

describe("lines", () => {
  test("end between words, and none is wider than its room", () => {
    const text = "The quick brown fox jumps over the lazy dog and is gone before anybody has seen it";
    const block = setText(text, room);
    for (const line of block.lines) expect(widthOf(line) * block.size).toBeLessThanOrEqual(room.width);
    expect(linesOf(text).join(" ")).toBe(text);
    expect(linesOf(text).length).toBeGreaterThan(1);
  });

  test.each(["千と千尋の神隠しという題名の映画は長い", "ลุงบุญมีระลึกชาติและเรื่องราวอื่นๆที่ยาวมากจนต้องขึ้นบรรทัดใหม่"])(
    "end between words of a script that has no spaces: %s",
    (text) => {
      const lines = linesOf(text, { ...room, width: 100 });
      expect(lines.length).toBeGreaterThan(1);
      expect(lines.join("")).toBe(text);
    },
  );

  test("never begin with a comma or a closing bracket", () => {
    for (let width = 60; width <= 120; width += 1) {
      for (const line of linesOf("東京、大阪「京都」、奈良。", { ...room, width }))
        expect(line).not.toMatch(/^[、。」]/);
    }
  });

  test("keep together what a no-break space joins", () => {
    for (const line of linesOf("Wallet\u{A0}₹1.00, card\u{A0}₹2.00", { ...room, width: 90 }))
      expect(line).toMatch(/₹/);
  });
});

describe("a text that does not fit", () => {
  const sizes = [
    { size: 20, maxLines: 1 },
    { size: 10, maxLines: 2 },
  ];

  test("is set in a smaller size", () => {
    expect(setText("Inception", { ...room, sizes }).size).toBe(20);
    expect(setText("Inception and what came after it", { ...room, sizes }).size).toBe(10);
  });

  test("has its longest word set in a smaller size before it is divided", () => {
    const block = setText("Donaudampfschifffahrt", { ...room, width: 190, sizes });
    expect([block.size, block.lines.length]).toEqual([10, 1]);
  });

  test("is divided where no size is small enough for a word", () => {
    const word = "Wolfeschlegelsteinhausenbergerdorff";
    expect(linesOf(word, { ...room, width: 120 }).join("")).toBe(word);
    expect(linesOf(word, { ...room, width: 120 }).length).toBeGreaterThan(1);
  });

  test("ends with an ellipsis, within its room", () => {
    const block = setText("very ".repeat(500), { ...room, sizes });
    expect(block.lines).toHaveLength(2);
    expect(block.lines[1]?.map((run) => run.text).join("")).toMatch(/…$/);
    for (const line of block.lines) expect(widthOf(line) * 10).toBeLessThanOrEqual(room.width);
  });
});

describe("what is read from right to left", () => {
  test("has its words from right to left", () => {
    expect(runsOf("שלום עולם").map((run) => run.text)).toEqual(["עולם", " ", "שלום"]);
  });

  test("has its letters from right to left", () => {
    const [run] = runsOf("שלום");
    const letters = Array.from(
      "שלום",
      (letter) => run!.face.font.glyphForCodePoint(letter.codePointAt(0)!).id,
    );
    expect(glyphsOf(run!)).toEqual(letters.toReversed());
  });

  test("has its numbers from left to right, and its brackets around what they enclose", () => {
    const text = runsOf("קולנוע (12)")
      .map((run) => run.text)
      .join("");
    expect(text.startsWith("(12)")).toBe(true);
    expect(text.endsWith("קולנוע")).toBe(true);
  });

  test("stands in Latin text where it is said", () => {
    const text = runsOf("Waltz ואלס 2008")
      .map((run) => run.text)
      .join("|");
    expect(text).toMatch(/^Waltz /);
    expect(text).toContain("ואלס");
  });

  test("has its Arabic letters joined", () => {
    const [run] = runsOf("محمد");
    const single = Array.from(
      "محمد",
      (letter) => run!.face.font.glyphForCodePoint(letter.codePointAt(0)!).id,
    );
    expect(glyphsOf(run!).filter((glyph) => single.includes(glyph)).length).toBeLessThan(single.length);
  });
});

test("Devanagari is shaped, also beside Latin of the same font", () => {
  for (const text of ["क्षत्रिय", "Film क्षत्रिय"]) {
    const run = runsOf(text).at(-1)!;
    expect(glyphsOf(run).length).toBeLessThan(Array.from("क्षत्रिय").length);
  }
});

test("a vowel sign stands before its consonant where the script wants it so", () => {
  const [run] = runsOf("कि");
  const consonant = run!.face.font.glyphForCodePoint("क".codePointAt(0)!).id;
  expect(glyphsOf(run!).at(-1)).toBe(consonant);
});

test.each([
  "Inception",
  "Łódź Đặng ẞ",
  "Сталкер Ελένη",
  "दिलवाले",
  "பொன்னியின்",
  "బాహుబలి",
  "পথের",
  "ಕಾಂತಾರ",
  "ദൃശ്യം",
  "છેલ્લો",
  "ਪੰਜਾਬ",
  "ଓଡ଼ିଆ",
  "සිංහල",
  "العربية فارسی اردو",
  "שָׁלוֹם",
  "ลุงบุญมี",
  "ສະບາຍດີ",
  "ភាសាខ្មែរ",
  "မြန်မာ",
  "ქართული",
  "Նռան",
  "አማርኛ",
  "ދިވެހި",
  "ܣܘܪܝܝܐ",
  "བོད་ཡིག",
  "ᱥᱟᱱᱛᱟᱲᱤ",
  "ꯃꯤꯇꯩꯂꯣꯟ",
  "𑄌𑄋𑄴𑄟𑄳𑄦",
  "ꠍꠤꠟꠐꠤ",
  "𐴌𐴟𐴇𐴥𐴝𐴚𐴒𐴙𐴝",
  "ꨌꩌ",
  "ꪼꪕ",
  "ꦗꦮ",
  "ᬩᬮᬶ",
  "ꓡꓲꓢꓴ",
  "ꆈꌠ",
  "ᠮᠣᠩᠭᠣᠯ",
  "ⵜⴰⵎⴰⵣⵉⵖⵜ",
  "ߒߞߏ",
  "𞤆𞤵𞤤𞤢𞤪",
  "ꕙꔤ",
  "ᏣᎳᎩ ꮳꮃꭹ",
  "ᐃᓄᒃᑎᑐᑦ",
  "𐓏𐓘𐓻𐓘",
  "ㄅㄆㄇ",
  "฿ ☬",
  "千と千尋、ガラス。",
  "卧虎藏龙",
  "기생충",
  "🎬🍿❤️👨‍👩‍👧🇮🇳",
  "✓ ★ → ₹ € ¥ £ ₩ ½ ™ – — “”‘’…",
])("every character of %s has a glyph", (text) => {
  for (const run of runsOf(text)) {
    expect(run.text).not.toContain("\u{FFFD}");
    expect(glyphsOf(run)).not.toContain(0);
  }
});

test.each(["𓀀", "\u{E000}", "\u{10FFFE}"])("a character that no font has is shown as unknown: %j", (text) => {
  expect(
    runsOf(`a${text}b`)
      .map((run) => run.text)
      .join(""),
  ).toBe("a\u{FFFD}b");
});

test("halves of characters, controls and marks of direction are left out", () => {
  const text = runsOf("a\uD800 \0b\u202E\u2066c\u200F\u{FEFF}\n d")
    .map((run) => run.text)
    .join("");
  expect(text).toBe("a\u{FFFD} bc d");
});

test("spaces are as wide in every script", () => {
  const widths = ["a b", "千 と", "🎬 🍿"].map((text) =>
    runsOf(text).find((run) => /^\s$|\s/.test(run.text))!,
  );
  expect(new Set(widths.map((run) => run.face.name)).size).toBe(1);
});
