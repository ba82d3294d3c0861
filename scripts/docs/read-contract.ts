import { join } from "node:path";
import type { Symbol } from "typescript/unstable/sync";
import { readTypes, type Field, type TypeReader } from "./type-reader.ts";

/** Something with fields: what it is as a whole, and each of them, a parent before its children. */
export interface Shape {
  type: string;
  text: string;
  fields: Field[];
}

/** A procedure, with the names of the schemas that its input and output are made of. */
export interface Procedure {
  path: string;
  kind: "query" | "mutation" | "subscription";
  text: string;
  input: string;
  output: string;
  /** Whether the router answers a list of what the output's schema is. */
  isList: boolean;
}

/** What the sources say of the contract in JSDoc. */
export interface ContractTexts {
  schemas: Record<string, Shape>;
  procedures: Procedure[];
  codes: Record<string, Code>;
}

/** A domain code: when it is answered, and the type of its details, `null` for those that have none. */
export interface Code {
  text: string;
  details: string;
}

const root = join(import.meta.dirname, "..", "..");

/** Reads the JSDoc of all schemas, procedures and codes by the compiler: a text is what an editor shows for it. Takes some seconds. */
export function readContract(): ContractTexts {
  return readTypes(root, (reader) => ({
    schemas: readSchemas(reader),
    procedures: readProcedures(reader),
    codes: readCodes(reader),
  }));
}

function getExport(reader: TypeReader, file: string, name: string): Symbol {
  const found = reader.exportsOf(`server/src/${file}`).find((symbol) => symbol.name === name);
  if (found === undefined) throw new Error(`server/src/${file} exports no ${name}.`);
  return found;
}

function readSchemas(reader: TypeReader): Record<string, Shape> {
  const schemas: Record<string, Shape> = {};
  for (const symbol of reader.exportsOf("server/src/contract/index.ts")) {
    const type = reader.typeOf(symbol);
    if (!reader.has(type, "safeParse")) continue;
    const side = reader.getProperty(type, symbol.name.endsWith("Input") ? "_input" : "_output");
    schemas[symbol.name] = {
      type: reader.describeType(side),
      text: reader.textOf(symbol),
      fields: reader.fieldsIn(side),
    };
  }
  return schemas;
}

function readProcedures(reader: TypeReader): Procedure[] {
  const routers = reader.propertiesOf(reader.typeOf(getExport(reader, "routes.ts", "routes")));
  return routers.flatMap((router) =>
    reader.propertiesOf(reader.typeOf(router)).map((procedure) => {
      const path = `${router.name}.${procedure.name}`;
      const source = reader.sourceOf(procedure);
      const kind = /\.(query|mutation|subscription)\(/.exec(source)?.[1] as Procedure["kind"];
      const [input, output] = ["input", "output"].map(
        (part) => new RegExp(`\\.${part}\\([^)]*?\\bcontract\\.(\\w+)`).exec(source)?.[1] ?? "",
      ) as [string, string];
      if (input === "" || output === "") throw new Error(`${path} names no schema of the contract.`);
      const isList = /\.output\(.*z\.array\(/.test(source);
      return { path, kind, text: reader.textOf(procedure), input, output, isList };
    }),
  );
}

function readCodes(reader: TypeReader): Record<string, Code> {
  const details = reader.declaredTypeOf(getExport(reader, "contract/errors.ts", "DomainErrorDetails"));
  return Object.fromEntries(
    reader
      .propertiesOf(details)
      .map((code) => [code.name, { text: reader.textOf(code), details: reader.writeType(code) }]),
  );
}
