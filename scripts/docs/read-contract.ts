import { join } from "node:path";
import { API, SymbolFlags, TypeFlags, type Symbol, type Type } from "typescript/unstable/sync";

/** One field of an input, an output or a schema. */
export interface Field {
  /** Where it is, such as `refund.amount`; a list is left out of it, so that `seats.column` is a column of each seat. */
  path: string;
  /** Its type as TypeScript writes it, and `object` for what has fields of its own. */
  type: string;
  isOptional: boolean;
  /** Its JSDoc, empty where there is none. */
  text: string;
}

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
const noTruncation = 1;

// Values to a reader, though TypeScript sees objects.
const values = new Set(["Date", "Decimal"]);

/** Reads the JSDoc of all schemas, procedures and codes by the compiler: a text is what an editor shows for it. Takes some seconds. */
export function readContract(): ContractTexts {
  const api = new API({ cwd: root });
  try {
    const project = api.updateSnapshot({ openProjects: [join(root, "tsconfig.json")] }).getProjects()[0];
    if (project === undefined) throw new Error("There is no project at tsconfig.json.");
    const { checker, program } = project;

    function exportsOf(file: string): readonly Symbol[] {
      const source = program.getSourceFile(join(root, "server", "src", file));
      const module = source && checker.getSymbolAtLocation(source);
      if (module === undefined) throw new Error(`There is no module server/src/${file}.`);
      return checker.getExportsOfModule(module);
    }

    function typeOf(symbol: Symbol): Type {
      const type = checker.getTypeOfSymbol(symbol);
      if (type === undefined) throw new Error(`${symbol.name} has no type.`);
      return type;
    }

    function textOf(symbol: Symbol): string {
      return symbol.getDocumentationComment(checker).replaceAll(/\s+/g, " ").trim();
    }

    function propertiesOf(owner: Type): readonly Symbol[] {
      return checker.getPropertiesOfType(owner);
    }

    function getProperty(owner: Type, name: string): Type {
      const found = checker.getPropertyOfType(owner, name);
      if (found === undefined) throw new Error(`${checker.typeToString(owner)} has no ${name}.`);
      return typeOf(found);
    }

    /** The objects that a type can be, with what is inside of lists. */
    function objectsIn(type: Type): Type[] {
      if (type.isUnionType() || type.isIntersectionType()) return (type.getTypes() ?? []).flatMap(objectsIn);
      if ((type.flags & TypeFlags.Object) === 0 || values.has(type.getSymbol()?.name ?? "")) return [];
      if (!checker.isArrayType(type)) return [type];
      return checker
        .getTypeArguments(type as Parameters<typeof checker.getTypeArguments>[0])
        .flatMap(objectsIn);
    }

    function describeType(type: Type): string {
      if (type.isUnionType()) {
        const parts = (type.getTypes() ?? []).map(describeType).filter((part) => part !== "undefined");
        const isBoolean = parts.includes("true") && parts.includes("false");
        const named = isBoolean
          ? [...parts.filter((part) => part !== "true" && part !== "false"), "boolean"]
          : parts;
        return [...new Set(named)]
          .toSorted((one, other) => Number(one === "null") - Number(other === "null"))
          .join(" | ");
      }
      if (checker.isArrayType(type)) {
        const [item] = checker.getTypeArguments(type as Parameters<typeof checker.getTypeArguments>[0]);
        const described = item === undefined ? "unknown" : describeType(item);
        return described.includes("|") ? `(${described})[]` : `${described}[]`;
      }
      return objectsIn(type).length > 0 ? "object" : checker.typeToString(type, undefined, noTruncation);
    }

    function fieldsIn(type: Type, prefix = ""): Field[] {
      const found = new Map<string, Field>();
      const objects = objectsIn(type);
      for (const property of objects.flatMap((object) => propertiesOf(object))) {
        const own = typeOf(property);
        const path = `${prefix}${property.name}`;
        const inAll = objects.every(
          (object) => checker.getPropertyOfType(object, property.name) !== undefined,
        );
        const isOptional = !inAll || (property.flags & SymbolFlags.Optional) !== 0;
        const field = { path, type: describeType(own), isOptional, text: textOf(property) };
        for (const one of [field, ...fieldsIn(own, `${path}.`)]) merge(found, one);
      }
      return [...found.values()];
    }

    function readSchemas(): Record<string, Shape> {
      const schemas: Record<string, Shape> = {};
      for (const symbol of exportsOf("contract/index.ts")) {
        const type = typeOf(symbol);
        const isSchema = checker.getPropertyOfType(type, "safeParse") !== undefined;
        if (!isSchema) continue;
        const side = getProperty(type, symbol.name.endsWith("Input") ? "_input" : "_output");
        schemas[symbol.name] = { type: describeType(side), text: textOf(symbol), fields: fieldsIn(side) };
      }
      return schemas;
    }

    function readProcedures(): Procedure[] {
      const routes = exportsOf("routes.ts").find(({ name }) => name === "routes");
      if (routes === undefined) throw new Error("server/src/routes.ts exports no routes.");
      return propertiesOf(typeOf(routes)).flatMap((router) =>
        propertiesOf(typeOf(router)).map((procedure) => {
          const path = `${router.name}.${procedure.name}`;
          const source = procedure.valueDeclaration?.resolve(project)?.getText() ?? "";
          const kind = /\.(query|mutation|subscription)\(/.exec(source)?.[1] as Procedure["kind"];
          const [input, output] = ["input", "output"].map(
            (part) => new RegExp(`\\.${part}\\([^)]*?\\bcontract\\.(\\w+)`).exec(source)?.[1] ?? "",
          ) as [string, string];
          if (input === "" || output === "") throw new Error(`${path} names no schema of the contract.`);
          const isList = /\.output\(.*z\.array\(/.test(source);
          return { path, kind, text: textOf(procedure), input, output, isList };
        }),
      );
    }

    function readCodes(): Record<string, Code> {
      const details = exportsOf("contract/index.ts").find(({ name }) => name === "DomainErrorDetails");
      if (details === undefined) throw new Error("The contract has no DomainErrorDetails.");
      const codes = propertiesOf(checker.getDeclaredTypeOfSymbol(details));
      return Object.fromEntries(
        codes.map((code) => {
          const type = checker.typeToString(typeOf(code), undefined, noTruncation);
          return [code.name, { text: textOf(code), details: type }];
        }),
      );
    }

    return { schemas: readSchemas(), procedures: readProcedures(), codes: readCodes() };
  } finally {
    api.close();
  }
}

// A field that several kinds of an object have, each with its own type.
function merge(fields: Map<string, Field>, field: Field): void {
  const other = fields.get(field.path);
  if (other === undefined) {
    fields.set(field.path, field);
    return;
  }
  const types = new Set([...other.type.split(" | "), ...field.type.split(" | ")]);
  other.type = [...types].join(" | ");
  other.isOptional ||= field.isOptional;
  if (other.text !== field.text)
    throw new Error(`${field.path} has two texts: “${other.text}” and “${field.text}”.`);
}
