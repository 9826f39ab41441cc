/**
 * Where in its recording an item lies, in seconds: through everything that was cut, copied and altered on the way.
 *
 * A row says where its item begins and ends in the audio of the item that it comes from, and a stage may narrow that
 * (`trim`) under the same name. So a place is followed from the row to the stage that made the item, from there to the
 * parent as that stage was given it, and so on to the recording.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { literal, rowsOf } from './inspect-tables.ts';

/** Where a row's audio comes from. */
export interface Place {
  /** Seconds in the recording. */
  from_s: number;
  to_s: number;
  /** How many times as fast as in the recording it is heard; 1 if its time was not altered. */
  speed: number;
}

/** A table of items, and the tables that its stage was given. */
export interface ItemTable {
  /** What DuckDB reads it by. */
  source: string;
  columns: readonly string[];
  before: readonly ItemTable[];
}

interface Item {
  item_id: string;
  parent_item_id: string | null;
  start_s: number;
  end_s: number;
  augmentation: string | null;
  augmentation_params: string | null;
}

/** Of one change, what moves it in time. */
interface Drawn {
  rate?: number;
  seconds?: number;
  fill?: string;
}

const COLUMNS = ['item_id', 'parent_item_id', 'start_s', 'end_s', 'augmentation', 'augmentation_params'];

export class Places {
  readonly #connection: DuckDBConnection;
  readonly #items = new Map<string, Promise<Item[]>>();

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  /** The place of an item as a table has it; undefined if neither it nor what it was made of says times. */
  async of(id: string, table: ItemTable): Promise<Place | undefined> {
    const found = await this.#nearest(id, table);
    if (!found) return undefined;
    const { start_s, end_s } = found.item;
    return this.#inRecording(found.item, found.table, { from_s: start_s, to_s: end_s, speed: 1 });
  }

  /** @param place in seconds of the audio that `start_s` and `end_s` of the item count in */
  async #inRecording(item: Item, table: ItemTable, place: Place): Promise<Place | undefined> {
    const { item: made, table: maker } = await this.#made(item, table);
    const parts = await this.#partsOf(made.item_id, maker);
    if (parts.length > 0) return union(parts);
    const { parent_item_id } = made;
    if (parent_item_id === null) return place;
    const parent = await this.#nearestOf(parent_item_id, maker.before);
    if (!parent) return undefined;
    const { start_s, end_s } = parent.item;
    const inParent = within(isCopy(made, parent.item) ? unaltered(place, made) : place, end_s - start_s);
    const moved = { ...inParent, from_s: start_s + inParent.from_s, to_s: start_s + inParent.to_s };
    return this.#inRecording(parent.item, parent.table, moved);
  }

  /** An item that stands for the segments it was put together from lies where they do. */
  async #partsOf(id: string, { before }: ItemTable): Promise<Place[]> {
    const places: Place[] = [];
    for (const table of before) {
      for (const part of await this.#select(table, 'parent_item_id', id)) {
        const { start_s, end_s } = part;
        const place = await this.#inRecording(part, table, { from_s: start_s, to_s: end_s, speed: 1 });
        if (place) places.push(place);
      }
    }
    return places;
  }

  /** The item as the stage made it that did not take it from another. */
  async #made(item: Item, table: ItemTable): Promise<{ item: Item; table: ItemTable }> {
    for (const before of table.before) {
      const [earlier] = await this.#select(before, 'item_id', item.item_id);
      if (earlier) return this.#made(earlier, before);
    }
    return { item, table };
  }

  async #nearest(id: string, table: ItemTable): Promise<{ item: Item; table: ItemTable } | undefined> {
    const [item] = await this.#select(table, 'item_id', id);
    return item ? { item, table } : this.#nearestOf(id, table.before);
  }

  async #nearestOf(id: string, tables: readonly ItemTable[]): Promise<{ item: Item; table: ItemTable } | undefined> {
    for (const table of tables) {
      const found = await this.#nearest(id, table);
      if (found) return found;
    }
    return undefined;
  }

  #select(table: ItemTable, column: 'item_id' | 'parent_item_id', id: string): Promise<Item[]> {
    const key = JSON.stringify([table.source, column, id]);
    let items = this.#items.get(key);
    if (!items) this.#items.set(key, (items = this.#query(table, column, id)));
    return items;
  }

  async #query({ source, columns }: ItemTable, column: string, id: string): Promise<Item[]> {
    if (!COLUMNS.every((name) => columns.includes(name))) return [];
    const query = `select ${COLUMNS.join(', ')} from ${source} where ${column} = ${literal(id)}`;
    return (await rowsOf(this.#connection, query)) as unknown as Item[];
  }
}

/** A segment carries what was done to the copy that it was cut from; a copy is named after its original, `x+1`. */
function isCopy({ item_id, augmentation, augmentation_params }: Item, parent: Item): boolean {
  if (augmentation === null) return false;
  return item_id.startsWith(`${parent.item_id}+`) || augmentation_params !== parent.augmentation_params;
}

/** A stretch of a copy, in the time of what it was made from. */
function unaltered(place: Place, { augmentation_params }: Item): Place {
  const steps = JSON.parse(augmentation_params ?? '[]') as Record<string, Drawn>[];
  let { from_s, to_s, speed } = place;
  for (const step of Array.isArray(steps) ? steps.toReversed() : []) {
    const rate = step['time_stretch']?.rate ?? step['speed']?.rate ?? 1;
    const { seconds = 0, fill } = step['shift'] ?? {};
    // What went out at one end came in at the other, so that a stretch of the copy may be of both ends.
    const rolled = fill === 'roll' ? Infinity : 0;
    from_s = (from_s - seconds - rolled) * rate;
    to_s = (to_s - seconds + rolled) * rate;
    speed *= rate;
  }
  return { from_s, to_s, speed };
}

/** Without what lies outside: silence that was added. */
function within(place: Place, seconds: number): Place {
  const clamp = (at: number) => Math.min(Math.max(at, 0), seconds);
  return { ...place, from_s: clamp(place.from_s), to_s: clamp(place.to_s) };
}

function union(places: readonly Place[]): Place {
  return {
    from_s: Math.min(...places.map(({ from_s }) => from_s)),
    to_s: Math.max(...places.map(({ to_s }) => to_s)),
    speed: places[0]!.speed,
  };
}
