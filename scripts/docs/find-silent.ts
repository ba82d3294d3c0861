import { procedureCodes } from "../../server/src/contract/index.ts";
import { readTypes, type TypeReader } from "./type-reader.ts";

const features = [...new Set(Object.keys(procedureCodes).map((path) => path.slice(0, path.indexOf("."))))];

/**
 * What an editor shows nothing for in a project that has installed the SDK, a line each: procedures of the client, and fields of what they take
 * and give. Streams are left out: their events are a type of their own.
 */
export function findSilent(folder: string): string[] {
  return readTypes(folder, (reader) => {
    const exported = reader.exportsOf("node_modules/@skyfox/sdk/index.d.ts");
    const typeNamed = (name: string) => {
      const found = exported.find((symbol) => symbol.name === name);
      if (found === undefined) throw new Error(`The SDK exports no ${name}.`);
      return reader.declaredTypeOf(found);
    };
    const silent = proceduresOf(reader, typeNamed("SkyfoxClient"))
      .filter(({ text }) => text === "")
      .map(({ path }) => path);
    for (const name of ["RouterInputs", "RouterOutputs"]) {
      const fields = proceduresOf(reader, typeNamed(name))
        .filter(({ path }) => path !== "show.watchSeatMap")
        .flatMap(({ path, type }) => reader.fieldsIn(type).map((field) => ({ path, field })));
      if (fields.length === 0) throw new Error(`${name} has no fields.`);
      silent.push(
        ...fields
          .filter(({ field }) => field.text === "")
          .map(({ path, field }) => `${name}, ${path}: ${field.path}`),
      );
    }
    return silent;
  });
}

function proceduresOf(reader: TypeReader, client: Parameters<TypeReader["fieldsIn"]>[0]) {
  return features.flatMap((feature) =>
    reader.propertiesOf(reader.getProperty(client, feature)).map((procedure) => ({
      path: `${feature}.${procedure.name}`,
      text: reader.textOf(procedure),
      type: reader.typeOf(procedure),
    })),
  );
}
