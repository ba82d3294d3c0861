/** A file as the API answers it. */
interface EncodedFile {
  mimeType: string;
  /** Base64. */
  data: string;
}

/** Has the browser save a file. */
export function saveFile(name: string, { mimeType, data }: EncodedFile): void {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: mimeType }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
