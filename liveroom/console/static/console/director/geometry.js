/**
 * Places on a canvas, in percent of it: moving, resizing, snapping. Nothing here touches the page.
 *
 * A place is { x, y, width, height, … }; every answer lies within the canvas and is at least LEAST wide and high.
 */

export const LEAST = 4;
const SNAP = 1.4;
const GRID = [0, 25, 100 / 3, 50, 200 / 3, 75, 100];

const round = (value) => Math.round(value * 1000) / 1000;
const within = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));

/** The lines that a side may snap to: the canvas's halves, thirds and quarters, and the sides of other places. */
export function linesFor(others) {
  return {
    x: [...GRID, ...others.flatMap(({ x, width }) => [x, x + width])],
    y: [...GRID, ...others.flatMap(({ y, height }) => [y, y + height])],
  };
}

/** How far to go so that one of the sides meets a line; 0: none is near. */
function pull(sides, lines) {
  let best = 0;
  let distance = SNAP;
  for (const side of sides) {
    for (const line of lines) {
      if (Math.abs(line - side) < distance) [best, distance] = [line - side, Math.abs(line - side)];
    }
  }
  return best;
}

/** The place moved by so many percent. */
export function moved(place, dx, dy, lines = null) {
  let x = within(place.x + dx, 0, 100 - place.width);
  let y = within(place.y + dy, 0, 100 - place.height);
  if (lines) {
    x += pull([x, x + place.width / 2, x + place.width], lines.x);
    y += pull([y, y + place.height / 2, y + place.height], lines.y);
  }
  return { ...place, x: round(within(x, 0, 100 - place.width)), y: round(within(y, 0, 100 - place.height)) };
}

/**
 * The place with one handle dragged: any of "n", "s", "w", "e" and their corners. `square`: width and height keep their
 * ratio, at a corner.
 */
export function resized(place, handle, dx, dy, { lines = null, square = false } = {}) {
  let [left, top, right, bottom] = [place.x, place.y, place.x + place.width, place.y + place.height];
  const near = (value, axis) => value + (lines ? pull([value], lines[axis]) : 0);
  if (handle.includes("w")) left = within(near(left + dx, "x"), 0, right - LEAST);
  if (handle.includes("e")) right = within(near(right + dx, "x"), left + LEAST, 100);
  if (handle.includes("n")) top = within(near(top + dy, "y"), 0, bottom - LEAST);
  if (handle.includes("s")) bottom = within(near(bottom + dy, "y"), top + LEAST, 100);
  let [width, height] = [right - left, bottom - top];
  if (square && handle.length === 2) {
    const room = { x: handle.includes("w") ? right : 100 - left, y: handle.includes("n") ? bottom : 100 - top };
    const scale = Math.min(
      Math.max(width / place.width, height / place.height), room.x / place.width, room.y / place.height,
    );
    [width, height] = [place.width * scale, place.height * scale];
    if (handle.includes("w")) left = right - width;
    if (handle.includes("n")) top = bottom - height;
  }
  return { ...place, x: round(left), y: round(top), width: round(width), height: round(height) };
}

/** Numbers typed by hand, brought into the canvas. */
export function fitted(place) {
  const width = within(Number(place.width) || LEAST, LEAST, 100);
  const height = within(Number(place.height) || LEAST, LEAST, 100);
  const x = within(Number(place.x) || 0, 0, 100 - width);
  const y = within(Number(place.y) || 0, 0, 100 - height);
  return { ...place, x: round(x), y: round(y), width: round(width), height: round(height) };
}

/** A point of the page as percent of a box. */
export function percentIn(box, clientX, clientY) {
  return { x: ((clientX - box.left) / box.width) * 100, y: ((clientY - box.top) / box.height) * 100 };
}
