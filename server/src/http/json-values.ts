// A longer text is a picture's, or no text that a person typed.
const longText = 16 * 1_024;
const pictureField = /"base64"\s*:\s*$/;
const pictureStart = /"base64"\s*:\s*"([^"]{0,32})/;

/** The most characters that a JSON text has beside its picture. */
export const maxCharactersBesidePicture = 64 * 1_024;
// What precedes a text, where its name stands.
const nameReach = 32;

const quote = 34;
const comma = 44;
const openBracket = 91;
const backslash = 92;
const openBrace = 123;

/** Why a text is not parsed at all. */
export type JsonProblem = "too many values" | "too much text";

/**
 * Looks at a JSON text before it is parsed: it may have so many values, one picture, and 64 K characters beside it, none of them a long text.
 * Counts what opens and separates values, which are never more than that and one, and stops at the first too many; texts are skipped in
 * native code.
 */
export function findJsonProblem(json: string, maxValues: number): JsonProblem | undefined {
  let values = 0;
  let pictures = 0;
  let besidePicture = 0;
  for (let at = 0; at < json.length; at += 1) {
    const character = json.charCodeAt(at);
    if (character === quote) {
      const end = endOfText(json, at, maxValues);
      if (end === undefined) return "too many values";
      if (end - at > longText) {
        pictures += 1;
        if (pictures > 1 || !pictureField.test(json.slice(Math.max(0, at - nameReach), at)))
          return "too much text";
      } else {
        besidePicture += end - at;
      }
      at = end;
    } else if (character === comma || character === openBracket || character === openBrace) {
      values += 1;
      if (values > maxValues) return "too many values";
    }
    besidePicture += 1;
    if (besidePicture > maxCharactersBesidePicture) return "too much text";
  }
  return undefined;
}

/** The first characters of the picture in a JSON text that may be cut anywhere; undefined while its field has not begun. */
export function findPictureStart(json: string): string | undefined {
  // JSON may escape a slash, and some writers do.
  return pictureStart.exec(json)?.[1]?.replaceAll(String.raw`\/`, "/");
}

// The closing quote; undefined when there are more escaped ones in it than a text has that was typed.
function endOfText(json: string, start: number, maxEscaped: number): number | undefined {
  let end = json.indexOf('"', start + 1);
  for (let escaped = 0; end !== -1 && isEscaped(json, end); escaped += 1) {
    if (escaped >= maxEscaped) return undefined;
    end = json.indexOf('"', end + 1);
  }
  return end === -1 ? json.length : end;
}

function isEscaped(json: string, at: number): boolean {
  let before = at - 1;
  while (json.charCodeAt(before) === backslash) before -= 1;
  return (at - before) % 2 === 0;
}
