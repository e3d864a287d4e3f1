// Where pictures go, as numbers alone.
const PICTURE = 16 / 9;
const PHONE_WIDTH = 600;

// The columns and rows in which `count` pictures of 16:9 are largest in width x height pixels, and how
// wide each is then.
export function gridFor(count, width, height, gap = 8) {
  let best = { columns: 1, rows: Math.max(count, 1), tileWidth: 0 };
  for (let columns = 1; columns <= Math.max(count, 1); ++columns) {
    const rows = Math.max(Math.ceil(count / columns), 1);
    const across = (width - gap * (columns - 1)) / columns;
    const down = ((height - gap * (rows - 1)) / rows) * PICTURE;
    const tileWidth = Math.floor(Math.max(Math.min(across, down), 0));
    if (tileWidth > best.tileWidth) best = { columns, rows, tileWidth };
  }
  return best;
}

// How many pictures a page of this size shows at a time: more would be too small to recognise anybody.
export function pageSize(width, height) {
  const across = Math.max(Math.floor(width / (width < PHONE_WIDTH ? 150 : 220)), 1);
  const down = Math.max(Math.floor(height / (width < PHONE_WIDTH ? 90 : 130)), 1);
  return Math.min(across * down, 49);
}

// Of people in the order of joining, those who are shown when not all fit: who shares a screen, who
// spoke last, who shows a picture; in the order of joining again, so that tiles do not jump.
export function chooseShown(people, places) {
  if (people.length <= places) return people;
  const rank = (person) => [person.sharing ? 0 : 1, person.own ? 0 : 1, -(person.spokeAt ?? 0), person.hasPicture ? 0 : 1];
  const chosen = people
    .map((person, order) => ({ person, key: [...rank(person), order] }))
    .sort((a, b) => {
      const at = a.key.findIndex((value, index) => value !== b.key[index]);
      return a.key[at] - b.key[at];
    })
    .slice(0, places)
    .map(({ person }) => person);
  const keep = new Set(chosen);
  return people.filter((person) => keep.has(person));
}

// Whom the speaker view shows large: whom the person pinned, else who shares a screen, else the one
// that spoke last, else the first of the others, else oneself.
export function chooseFocus(people, pinned) {
  const others = people.filter((person) => !person.own);
  const latest = (candidates) => candidates.reduce((best, person) => ((person.spokeAt ?? 0) > (best?.spokeAt ?? 0) ? person : best), null);
  return (
    people.find((person) => person.id === pinned) ??
    others.find((person) => person.sharing) ??
    latest(others) ??
    others[0] ??
    people[0] ??
    null
  );
}
