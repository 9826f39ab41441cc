/**
 * Which stages a pipeline file may use, for Nx's graph.
 *
 * `uses` may be `${model}` or `train-${model.kind}`: then every value that the file gives the name counts, whichever
 * stage, axis or search gives it, and whatever is excluded. So the graph may have an edge too many, never one too few.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * @param {string} text of the pipeline file
 * @param {readonly string[]} all names of stages
 * @returns {string[]} sorted; all stages where the file does not tell, none where it does not parse, which the
 *   command itself will explain
 */
export function usedStages(text, all) {
  const plain = plainNames(text);
  if (plain) return all.filter((name) => plain.has(name)).sort();
  let file;
  try {
    file = require('yaml').parse(text, { merge: true });
  } catch {
    return [];
  }
  if (!isMap(file) || !isMap(file.stages)) return [];
  const values = valuesByName(file);
  const used = new Set();
  for (const stage of Object.values(file.stages)) {
    if (typeof stage?.uses !== 'string') continue;
    for (const name of filled(stage.uses, values) ?? all) used.add(name);
  }
  return all.filter((name) => used.has(name)).sort();
}

const KEY = /\buses['"]?[ \t]*:/g;
const PLAIN = /\buses[ \t]*:[ \t]*([A-Za-z][\w-]*)[ \t]*(?=[,}\r\n#]|$)/g;

/**
 * The names of a file in which every `uses` is followed by a bare name; undefined for any other. Nx asks for all files
 * at every start, and loading a parser and parsing takes a fifth of a second.
 */
function plainNames(text) {
  const names = [...text.matchAll(PLAIN)].map((match) => match[1]);
  // Escapes, explicit keys, anchors and aliases are other ways to write one.
  if (names.length === 0 || names.length < [...text.matchAll(KEY)].length || /\\|^\s*\?\s/m.test(text))
    return undefined;
  return new Set(names);
}

/** A text with every value of what it mentions; undefined if something mentioned has no value in the file. */
function filled(text, values) {
  const mention = /\$\{\s*([^}]*?)\s*\}/.exec(text);
  if (!mention) return [text];
  const [name, ...fields] = mention[1].split('.');
  const found = (values.get(name) ?? [])
    .flatMap(({ label, value }) => {
      if (fields.length === 1 && fields[0] === 'name' && !Object.hasOwn(value ?? {}, 'name')) return [label];
      const at = fields.reduce((inner, field) => (isMap(inner) ? inner[field] : undefined), value);
      return isMap(at) && fields.length === 0 ? [label] : [at];
    })
    .filter((value) => ['string', 'number', 'boolean'].includes(typeof value));
  if (found.length === 0) return undefined;
  const all = [];
  for (const value of new Set(found)) {
    const rest = filled(
      text.replace(mention[0], () => String(value)),
      values,
    );
    if (!rest) return undefined;
    all.push(...rest);
  }
  return all;
}

/** Values of variables and axes, wherever the file gives them: `{ label, value }` by name. */
function valuesByName(file) {
  const values = new Map();
  const add = (name, label, value) => {
    if (!values.has(name)) values.set(name, []);
    values.get(name).push({ label, value });
  };
  for (const [name, value] of Object.entries(isMap(file.vars) ? file.vars : {})) add(name, undefined, value);
  for (const part of [file, ...Object.values(file.stages)]) {
    if (!isMap(part)) continue;
    addMatrix(part.matrix, add, values);
    addMatrix(part.foreach, add, values);
    addSearch(part.search, add);
  }
  return values;
}

function addMatrix(matrix, add, values) {
  if (!isMap(matrix)) return;
  for (const [axis, given] of Object.entries(matrix)) {
    if (axis === 'exclude' || axis === 'include') continue;
    addValues(axis, given, add, values);
  }
  for (const point of Array.isArray(matrix.include) ? matrix.include : []) {
    for (const [axis, value] of Object.entries(isMap(point) ? point : {})) {
      addValues(axis, isMap(value) ? value : [value], add, values);
    }
  }
}

/** A list, a map of names to values, or a variable that holds one. */
function addValues(axis, given, add, values) {
  const variable = typeof given === 'string' ? /^\$\{\s*([\w-]+)\s*\}$/.exec(given) : null;
  for (const source of variable ? (values.get(variable[1]) ?? []).map(({ value }) => value) : [given]) {
    if (Array.isArray(source)) source.forEach((value) => add(axis, isMap(value) ? value.name : value, value));
    else if (isMap(source)) for (const [label, value] of Object.entries(source)) add(axis, label, value);
  }
}

/** A search's axis holds points; what a point may be lies in the space. */
function addSearch(search, add) {
  if (!isMap(search) || !isMap(search.space)) return;
  const axis = search.name ?? 'trial';
  for (const [parameter, dimension] of Object.entries(search.space)) {
    const choices = Array.isArray(dimension) ? dimension : dimension?.choice;
    for (const value of Array.isArray(choices) ? choices : []) add(axis, undefined, { [parameter]: value });
  }
  for (const point of Array.isArray(search.points) ? search.points : []) add(axis, undefined, point);
}

function isMap(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
