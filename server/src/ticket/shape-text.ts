import type { Font } from "fontkit";
import { Blob, Buffer as ShapingBuffer, Face, Font as ShapingFont, shape } from "harfbuzzjs";
import { LRUCache } from "lru-cache";

// Words that every ticket has, and what is measured first and drawn then.
const rememberedTexts = 500;

/** What a PDF needs of a shaped text: glyphs from left to right and where each stands, in units of the font. */
interface ShapedText {
  glyphs: { id: number; advanceWidth: number; codePoints: number[] }[];
  positions: { xAdvance: number; yAdvance: number; xOffset: number; yOffset: number }[];
  advanceWidth: number;
}

/** A font whose text is shaped by HarfBuzz, as its script needs it. */
export type ShapingFontFile = Omit<Font, "layout"> & { layout(text: string): ShapedText };

/** The font, with HarfBuzz shaping its text; pdfkit embeds it like any other. Its own shaper fails on several of our fonts. */
export function shapedByHarfBuzz(font: Font, bytes: Uint8Array): ShapingFontFile {
  const shaper = new ShapingFont(new Face(new Blob(bytes)));
  const remembered = new LRUCache<string, ShapedText>({ max: rememberedTexts });
  const shapeText = (text: string): ShapedText => {
    const buffer = new ShapingBuffer();
    buffer.addText(text);
    buffer.guessSegmentProperties();
    shape(shaper, buffer);
    const infos = buffer.getGlyphInfos();
    const positions = buffer.getGlyphPositions();
    const codePoints = codePointsOf(font, text, infos);
    const glyphs = infos.map(({ codepoint: id }, index) => ({
      id,
      advanceWidth: shaper.glyphHAdvance(id),
      codePoints: codePoints[index] ?? [],
    }));
    return { glyphs, positions, advanceWidth: positions.reduce((sum, { xAdvance }) => sum + xAdvance, 0) };
  };
  const layout = (text: string): ShapedText => {
    const shaped = remembered.get(text) ?? shapeText(text);
    remembered.set(text, shaped);
    // A copy, because pdfkit scales the positions in place.
    return { ...shaped, positions: shaped.positions.map((position) => ({ ...position })) };
  };
  return Object.create(font, { layout: { value: layout } }) as ShapingFontFile;
}

/**
 * Which characters each glyph stands for, so that the text can be searched and copied: its own where it has one, and for the first glyph of
 * a group that was formed together also those that went into it.
 */
function codePointsOf(font: Font, text: string, infos: { codepoint: number; cluster: number }[]): number[][] {
  const starts = [...new Set(infos.map(({ cluster }) => cluster))].toSorted((one, other) => one - other);
  const groups = new Map(
    starts.map((start, index) => {
      const characters = Array.from(text.slice(start, starts[index + 1]), (one) => one.codePointAt(0) ?? 0);
      return [start, characters];
    }),
  );
  const own = infos.map(({ codepoint: glyph, cluster }) => {
    const left = groups.get(cluster) ?? [];
    const at = left.findIndex((codePoint) => font.glyphForCodePoint(codePoint).id === glyph);
    return at < 0 ? [] : left.splice(at, 1);
  });
  return infos.map(({ cluster }, index) => {
    const found = own[index] ?? [];
    const left = groups.get(cluster) ?? [];
    return found.length > 0 && infos.length > 1 ? found : [...found, ...left.splice(0)];
  });
}
