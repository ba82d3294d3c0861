import type { ContractTexts, Shape } from "./read-contract.ts";
import type { Field } from "./type-reader.ts";

/** The objects of the contract as a reference shows them: those with a name once, and a link wherever they are. */
export interface Objects {
  /** What a procedure takes or gives. */
  describeSide(side: "Input" | "Output", shape: Shape | undefined, schema: string, isList?: boolean): string;
  /** A section of each named object that was linked to. */
  describe(): string;
}

/** Every schema that is no input and no output of one procedure alone is an object with a name. */
export function createObjects({ schemas }: ContractTexts): Objects {
  const named = new Map(
    Object.entries(schemas)
      .filter(
        ([name, { fields }]) => name.endsWith("Schema") && fields.length > 0 && !name.endsWith("PageSchema"),
      )
      .map(([name, shape]) => [titleOf(name), shape]),
  );
  const byFields = new Map([...named].map(([title, { fields }]) => [fingerprint(fields), title]));
  const linked = new Set<string>();

  function link(title: string): string {
    linked.add(title);
    return `[${title}](#${title.toLowerCase()})`;
  }

  function describeFields(fields: Field[]): string {
    const rows: string[] = [];
    const hidden: string[] = [];
    const shown = new Map<string, string>();
    for (const { path, type, isOptional, text } of fields) {
      if (hidden.some((prefix) => path.startsWith(prefix))) continue;
      const [, parent = "", name = path] = /^(.*)\.([^.]+)$/.exec(path) ?? [];
      const written = parent === "" ? name : `${shown.get(parent) ?? parent}.${name}`;
      shown.set(path, type.includes("object[]") ? `${written}[]` : written);
      const inside = fields.filter((field) => field.path.startsWith(`${path}.`));
      const title = byFields.get(
        fingerprint(inside.map((field) => ({ ...field, path: field.path.slice(path.length + 1) }))),
      );
      if (title !== undefined) hidden.push(`${path}.`);
      const described = `\`${type.replaceAll("|", "\\|")}\``;
      const shownType =
        title === undefined ? described : type.replace("object", link(title)).replaceAll("|", "\\|");
      rows.push(`| \`${written}${isOptional ? "?" : ""}\` | ${shownType} | ${text} |`);
    }
    return `| Field | Type | |\n|---|---|---|\n${rows.join("\n")}\n`;
  }

  return {
    describeSide(side, shape, schema, isWrapped = false) {
      if (shape === undefined) throw new Error(`There is no schema ${schema}.`);
      const { fields, type } = shape;
      if (fields.length === 0) return side === "Input" ? "Input: none.\n" : `${side}: \`${type}\`.\n`;
      const kind = isWrapped ? `${type}[]` : type;
      const title = byFields.get(fingerprint(fields));
      const extra = kind.replace("object", "").replaceAll("|", "or").trim();
      const isList = extra.startsWith("[]");
      const rest = extra.replace("[]", "").trim();
      const whole = isList ? "a list of" : "";
      if (title !== undefined) return `${side}: ${[whole, link(title), rest].filter(Boolean).join(" ")}.\n`;
      const what = isList ? `${side}: a list, each with` : `${side}${rest && ` (${rest})`}:`;
      return `${what}\n\n${describeFields(fields)}`;
    },

    describe() {
      const sections: string[] = [];
      const done = new Set<string>();
      // Describing one may link to others.
      for (const title of linked) {
        if (done.has(title)) continue;
        done.add(title);
        const shape = named.get(title)!;
        byFields.delete(fingerprint(shape.fields));
        sections.push(`### ${title}\n\n${shape.text}\n\n${describeFields(shape.fields)}`);
        byFields.set(fingerprint(shape.fields), title);
      }
      return `## Objects\n\n${sections.join("\n")}`;
    },
  };
}

function titleOf(schema: string): string {
  const name = schema.replace(/Schema$/, "");
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

// Two shapes with the same fields are the same object.
function fingerprint(fields: Pick<Field, "path" | "type" | "text">[]): string {
  return fields.map(({ path, type, text }) => `${path}: ${type} ${text}`).join("\n");
}
