import { describe, expect, it } from 'vitest';
import { Shelf } from './shelf.ts';

describe('Shelf', () => {
  it('keeps what it has room for, and remembers the order of all', () => {
    const shelf = new Shelf(10);
    const [a, b, c] = [{}, {}, {}];
    expect(shelf.put('f', 'a', a, 6)).toBe(true);
    expect(shelf.put('f', 'b', b, 6)).toBe(false);
    expect(shelf.put('f', 'c', c, 4)).toBe(true);
    expect(shelf.names('f')).toEqual(['a', 'b', 'c']);
    expect(shelf.get('f', 'a')).toBe(a);
    expect(shelf.get('f', 'b')).toBeUndefined();
    expect(shelf.get('f', 'c')).toBe(c);
    expect(shelf.names('other')).toBeUndefined();
  });

  it('has the room of a folder again once that is cleared', () => {
    const shelf = new Shelf(10);
    shelf.put('f', 'a', {}, 10);
    expect(shelf.put('g', 'a', {}, 1)).toBe(false);
    shelf.clear('f');
    expect(shelf.names('f')).toBeUndefined();
    expect(shelf.put('g', 'b', {}, 10)).toBe(true);
  });
});
