import { hash } from "node:crypto";
import { z } from "zod";
import { transformer } from "../contract/index.ts";

/** An answer that is written already: as text, in the form that the transformer would give it. */
export class ReadyAnswer<Answer> {
  declare readonly answer?: Answer;
  #plainText: string | undefined;
  readonly text: string;
  /** Another one for another text. */
  readonly etag: string;

  constructor(text: string) {
    this.text = text;
    this.etag = `"${hash("sha1", text, "base64url")}"`;
  }

  /** What the transformer would make of the answer, for where it stands beside others. */
  parse(): ReturnType<typeof transformer.serialize> {
    return JSON.parse(this.text) as ReturnType<typeof transformer.serialize>;
  }

  /** The answer as JSON without types; written once. */
  get plainText(): string {
    this.#plainText ??= JSON.stringify(this.parse().json);
    return this.#plainText;
  }

  /** The answer itself. */
  read(): Answer {
    return transformer.deserialize(this.parse()) as Answer;
  }
}

/** The output of a procedure that answers with `ReadyAnswer`: clients get the type of the schema, but text that is ready is not checked against it. */
export function readyOutput<Answer>(schema: z.ZodType<Answer>): z.ZodType<Answer> {
  const output = z.custom<Answer>((value) => value instanceof ReadyAnswer).or(schema);
  readySchemas.set(output, schema);
  return output;
}

const readySchemas = new WeakMap<z.ZodType, z.ZodType>();

/** The schema that a `readyOutput` was made of; undefined for any other output. */
export function schemaOfReady(output: z.ZodType): z.ZodType | undefined {
  return readySchemas.get(output);
}
