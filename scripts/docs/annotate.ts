import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Descriptions } from "./descriptions.ts";

// The compiler writes declarations without the comments of fields, in lines of its own for each.
const property = /^( +)(?:readonly )?(\w+)\??: /;

/** Puts the sentences of the contract's fields into the written declarations of the contract and of the routers, in place. */
export async function annotateDeclarations(folder: string, descriptions: Descriptions): Promise<void> {
  const contract = await filesIn(join(folder, "contract"));
  const typeNames = new Map(contract.flatMap(({ text }) => typeNamesIn(text)));
  const share = sharer(contract.map(({ path, text }) => ({ name: basename(path, ".d.ts"), text })));
  for (const { path, text } of contract) await writeFile(path, annotateContract(share(text), descriptions));
  for (const { path, text } of await filesIn(join(folder, "routers"))) {
    const feature = basename(path).split(".")[0] ?? "";
    await writeFile(path, annotateRouter(text, feature, descriptions, typeNames));
  }
}

/** Writes a schema of the contract that stands inside of others by its name there, once instead of everywhere. */
export function sharer(contract: { name: string; text: string }[]): (declarations: string) => string {
  const schemas = contract.flatMap(({ name: file, text }) =>
    Array.from(
      text.matchAll(
        /^export declare const (\w+Schema): (z\.ZodObject<\{\n[\s\S]*?\n\}, z\.core\.\$\w+>);$/gm,
      ),
      ([, name = "", written = ""]) => ({ as: `typeof import("./${file}.ts").${name}`, written }),
    ),
  );
  const [longestFirst, indents] = [
    schemas.toSorted((one, other) => other.written.length - one.written.length),
    ["    ", "        "],
  ];
  return (declarations) =>
    longestFirst.reduce(
      (text, { as, written }) =>
        indents.reduce(
          (shared, indent) => shared.replaceAll(written.replaceAll("\n", `\n${indent}`), as),
          text,
        ),
      declarations,
    );
}

async function filesIn(folder: string): Promise<{ path: string; text: string }[]> {
  const paths = (await readdir(folder)).map((name) => join(folder, name));
  return await Promise.all(paths.map(async (path) => ({ path, text: await readFile(path, "utf8") })));
}

/** The written declarations of a file of the contract, with the sentence of each field before it. */
export function annotateContract(declarations: string, { fields }: Descriptions): string {
  let annotate: Annotate | undefined;
  return eachLine(declarations, (line) => {
    const schema = /^export declare const (\w+): /.exec(line)?.[1];
    if (schema !== undefined) annotate = annotator(fields[schema], 0);
    return annotate?.(line) ?? [];
  });
}

/**
 * The written declarations of a router, with the sentence of each field before it. An output that the contract has a type for is written by its
 * name, which is shorter, and has the sentences there.
 */
export function annotateRouter(
  declarations: string,
  feature: string,
  { fields, schemas }: Descriptions,
  typeNames: ReadonlyMap<string, string>,
): string {
  let sides: Descriptions["schemas"][string] | undefined;
  let annotate: Annotate | undefined;
  const named = declarations.replaceAll(
    /^( {4}(\w+): .*Procedure<\{\n(?:(?! {4}\w).*\n)*? {8}output: )\{\n(?: {9,}.*\n)+ {8}\}/gm,
    (written, before: string, verb: string) => {
      const name = typeNames.get(schemas[`${feature}.${verb}`]?.output ?? "");
      return name === undefined ? written : `${before}import("../contract/index.ts").${name}`;
    },
  );
  return eachLine(named, (line) => {
    const [, indent = "", name = ""] = property.exec(line) ?? [];
    if (indent.length === 4) sides = schemas[`${feature}.${name}`];
    if (indent.length === 8)
      annotate =
        name === "input" || name === "output" ? annotator(sides && fields[sides[name]], 8) : undefined;
    return indent.length > 8 ? (annotate?.(line) ?? []) : [];
  });
}

/**
 * The names of types by the schemas that they are the output of: `Booking` of `bookingSchema`. The type of a list has none: what is written for it
 * is the item, and `[]` after it.
 */
export function typeNamesIn(declarations: string): [schema: string, type: string][] {
  return Array.from(
    declarations.matchAll(/^export type (\w+) = z\.output<typeof (\w+)>;$/gm),
    ([, type = "", schema = ""]): [string, string] => [schema, type],
  ).filter(([schema]) => !declarations.includes(`export declare const ${schema}: z.ZodArray<`));
}

type Annotate = (line: string) => string[];

function eachLine(text: string, linesBefore: (line: string) => string[]): string {
  return text
    .split("\n")
    .flatMap((line) => [...linesBefore(line), line])
    .join("\n");
}

// What stands before a line: the sentence of its field, whose path the indents of the lines before say.
function annotator(texts: Record<string, string> | undefined, rootIndent: number): Annotate {
  const above: { name: string; indent: number }[] = [];
  return (line) => {
    const [, spaces = "", name = ""] = property.exec(line) ?? [];
    const indent = spaces.length;
    if (indent <= rootIndent) return [];
    while ((above.at(-1)?.indent ?? -1) >= indent) above.pop();
    above.push({ name, indent });
    const text = texts?.[above.map((one) => one.name).join(".")];
    return text === undefined ? [] : [`${spaces}/** ${text} */`];
  };
}
