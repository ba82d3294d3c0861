/** Where a server is, and with which key it is called. */
export interface Address {
  /** Without a slash at its end. */
  url: string;
  /** For sentences. */
  host: string;
}

/** Reads the address of a server. Throws a `TypeError` that says what to change where no call could ever succeed. */
export function readAddress({ url: given, apiKey }: { url: string | URL; apiKey: string }): Address {
  const url = given.toString().replace(/\/+$/, "");
  // Not by `new URL`: in React Native its parts cannot be read.
  const [, host, path = "", rest] = /^https?:\/\/(?:[^/?#]*@)?([^\s/?#]+)([^?#]*)(.*)$/is.exec(url) ?? [];
  if (host === undefined)
    throw new TypeError(`The url "${url}" needs a scheme and a host, such as https://cinema.example.`);
  if (path.endsWith("/trpc"))
    throw new TypeError(`The url is the server's base address: leave out the "/trpc" of "${url}".`);
  if (rest !== "") throw new TypeError(`The url "${url}" has to end with its path, without "?" and "#".`);
  if (typeof apiKey !== "string" || !/^[!-~]([ -~]*[!-~])?$/.test(apiKey))
    throw new TypeError(
      "The apiKey has to be the text that the operator gave you: ASCII characters, without a space at its ends.",
    );
  return { url, host };
}
