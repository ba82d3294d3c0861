import { PDFiumLibrary } from "@hyzyla/pdfium";
import jsQR from "jsqr";
import sharp from "sharp";

/** A page as a reader sees it in print: its text and its picture. */
export interface PrintedPage {
  text: string;
  /** In points. */
  width: number;
  height: number;
  pixels: Pixels;
}

/** Four bytes a pixel. */
interface Pixels {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

// Its declarations are of another module system than its code.
const readCode = jsQR as unknown as typeof jsQR.default;

// 144 dots an inch.
const dotsPerPoint = 2;

let pdfium: Promise<PDFiumLibrary> | undefined;

/** The pages of a PDF. */
export async function printPages(pdf: Buffer): Promise<PrintedPage[]> {
  const document = await (await (pdfium ??= PDFiumLibrary.init())).loadDocument(pdf);
  try {
    const pages: PrintedPage[] = [];
    for (const page of document.pages()) {
      const { originalWidth, originalHeight } = page.getOriginalSize();
      // First of all: rendering closes the page.
      const text = page.getText();
      const { data, width, height } = await page.render({ scale: dotsPerPoint, render: "bitmap" });
      const pixels = { data: Uint8ClampedArray.from(data), width, height };
      pages.push({ text, width: originalWidth, height: originalHeight, pixels });
    }
    return pages;
  } finally {
    document.destroy();
  }
}

/** What the QR code in a picture says, as a scanner at the door reads it. */
export function scan({ data, width, height }: Pixels): string {
  const code = readCode(data, width, height);
  if (code === null) throw new Error("No code can be read in this picture.");
  return code.data;
}

/** A picture file, opened. */
export async function openPicture(file: Buffer): Promise<Pixels> {
  const { data, info } = await sharp(file).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data: Uint8ClampedArray.from(data), width: info.width, height: info.height };
}

/** The fonts of a PDF: their names, and whether each is inside. */
export function fontsOf(pdf: Buffer): { name: string; isEmbedded: boolean }[] {
  const text = pdf.toString("latin1");
  const descriptors = [...text.matchAll(/<<[^<>]*\/Type \/FontDescriptor[^<>]*>>/g)].map(([found]) => found);
  const names = [...text.matchAll(/\/BaseFont \/(\S+)/g)].map(([, name = ""]) => name);
  return [...new Set(names)].map((name) => ({
    name,
    isEmbedded: descriptors.some((one) => one.includes(`/FontName /${name}`) && /\/FontFile[23]? /.test(one)),
  }));
}
