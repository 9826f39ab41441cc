/**
 * A schema whose repeated parts are written once, under `definitions`.
 *
 * What stands in their place is a `$ref` and nothing beside it: in draft-07 keywords beside a `$ref` do not count, and
 * editors differ in whether they show them. So a part is shared together with its description, or not at all.
 */

export type JsonSchema = Record<string, unknown>;

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const ONE = ['additionalProperties', 'items', 'propertyNames', 'contains', 'not', 'if', 'then', 'else'];
const LISTS = ['anyOf', 'oneOf', 'allOf', 'items'];
const MAPS = ['properties', 'patternProperties'];

/** Fewer characters are not worth a reference. */
const WORTH = 80;

/** @param schema may have `definitions` of its own, which are referred to wherever they stand */
export function shared({ definitions: given = {}, ...schema }: JsonSchema): JsonSchema {
  const counts = new Map<string, number>();
  count(schema, counts);
  const definitions: Record<string, JsonSchema> = { ...(given as Record<string, JsonSchema>) };
  const names = new Map(Object.entries(definitions).map(([name, node]) => [JSON.stringify(node), name]));
  const place = (node: JsonSchema, name: string): JsonSchema => {
    const text = JSON.stringify(node);
    let known = names.get(text);
    if (known === undefined) {
      if (text.length < WORTH || counts.get(text) === 1) return mapParts(node, name, place);
      known = freeName(name, definitions);
      names.set(text, known);
      definitions[known] = {}; // Taken, before its parts look for names.
      definitions[known] = mapParts(node, name, place);
    }
    return { $ref: `#/definitions/${known}` };
  };
  return { ...mapParts(schema, 'pipeline', place), definitions };
}

/** How often each part is there; what stands within a part that is there again is counted once. */
function count(node: JsonSchema, counts: Map<string, number>): void {
  const text = JSON.stringify(node);
  const known = counts.get(text) ?? 0;
  counts.set(text, known + 1);
  if (known > 0) return;
  mapParts(node, '', (part) => {
    count(part, counts);
    return part;
  });
}

/** A copy of a schema with each of the schemas in it replaced; they are told the property they stand under. */
function mapParts(node: JsonSchema, name: string, replace: (part: JsonSchema, name: string) => JsonSchema): JsonSchema {
  return Object.fromEntries(
    Object.entries(node).map(([keyword, value]): [string, unknown] => {
      if (MAPS.includes(keyword) && isSchema(value)) {
        return [
          keyword,
          Object.fromEntries(
            Object.entries(value).map(([key, part]) => [key, isSchema(part) ? replace(part, key) : part]),
          ),
        ];
      }
      if (LISTS.includes(keyword) && Array.isArray(value)) {
        return [keyword, value.map((part: unknown) => (isSchema(part) ? replace(part, name) : part))];
      }
      return [keyword, ONE.includes(keyword) && isSchema(value) ? replace(value, name) : value];
    }),
  );
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function freeName(name: string, taken: Readonly<Record<string, unknown>>): string {
  if (!Object.hasOwn(taken, name)) return name;
  let number = 2;
  while (Object.hasOwn(taken, `${name}_${number}`)) number++;
  return `${name}_${number}`;
}
