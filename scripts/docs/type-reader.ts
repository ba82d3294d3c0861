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

/** What the compiler knows of a project. */
export interface TypeReader {
  /** What a module exports, by the file's name below the project's folder. */
  exportsOf(file: string): readonly Symbol[];
  /** The type of a value. */
  typeOf(symbol: Symbol): Type;
  /** The type that a type's name stands for. */
  declaredTypeOf(symbol: Symbol): Type;
  propertiesOf(owner: Type): readonly Symbol[];
  /** The type of a property. Throws when there is none. */
  getProperty(owner: Type, name: string): Type;
  has(owner: Type, name: string): boolean;
  /** The JSDoc that an editor shows, in one line; empty where there is none. */
  textOf(symbol: Symbol): string;
  /** The source that declares it. */
  sourceOf(symbol: Symbol): string;
  /** A type as TypeScript writes it, and `object` for what has fields. */
  describeType(type: Type): string;
  /** The whole type of a property, as TypeScript writes it. */
  writeType(symbol: Symbol): string;
  /** Every field of a type, a parent before its children. */
  fieldsIn(type: Type): Field[];
}

const noTruncation = 1;

// Values to a reader, though TypeScript sees objects.
const values = new Set(["Date", "Decimal"]);

/** Opens the project of a folder's tsconfig.json, for as long as `use` takes; some seconds. */
export function readTypes<Result>(folder: string, use: (reader: TypeReader) => Result): Result {
  const api = new API({ cwd: folder });
  try {
    return use(openProject(api, folder));
  } finally {
    api.close();
  }
}

function openProject(api: API, folder: string): TypeReader {
  const project = api.updateSnapshot({ openProjects: [join(folder, "tsconfig.json")] }).getProjects()[0];
  if (project === undefined) throw new Error(`There is no project in ${folder}.`);
  const { checker, program } = project;
  return {
    exportsOf,
    typeOf,
    declaredTypeOf: (symbol) => checker.getDeclaredTypeOfSymbol(symbol),
    propertiesOf,
    getProperty,
    has: (owner, name) => checker.getPropertyOfType(owner, name) !== undefined,
    textOf,
    sourceOf: (symbol) => symbol.valueDeclaration?.resolve(project)?.getText() ?? "",
    describeType,
    writeType: (symbol) => checker.typeToString(typeOf(symbol), undefined, noTruncation),
    fieldsIn: (type) => fieldsIn(type),
  };

  function exportsOf(file: string): readonly Symbol[] {
    const source = program.getSourceFile(join(folder, file));
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`There is no module ${file}.`);
    return checker
      .getExportsOfModule(module)
      .map((symbol) =>
        (symbol.flags & SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol),
      );
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
      const inAll = objects.every((object) => checker.getPropertyOfType(object, property.name) !== undefined);
      const isOptional = !inAll || (property.flags & SymbolFlags.Optional) !== 0;
      const field = { path, type: describeType(own), isOptional, text: textOf(property) };
      for (const one of [field, ...fieldsIn(own, `${path}.`)]) merge(found, one);
    }
    return [...found.values()];
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
