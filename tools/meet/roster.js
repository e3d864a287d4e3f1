// The list of who is there.
import { byId, make } from './dom.js';
import { wordsFor } from './tile.js';

// `people`: [{ id, name, own, muted, cameraOn, sharing, hand, quality }]. Raised hands come first, by
// when they were raised.
export function showRoster(people) {
  const raised = people.filter((person) => person.hand).sort((a, b) => a.hand - b.hand);
  const rest = people.filter((person) => !person.hand);
  byId('people').replaceChildren(
    ...[...raised, ...rest].map((person) => {
      const notes = [
        person.hand ? 'hand raised' : '',
        person.muted ? 'muted' : 'microphone on',
        person.cameraOn ? 'camera on' : '',
        person.sharing ? 'shares the screen' : '',
        wordsFor(person.quality),
      ].filter(Boolean);
      return make(
        'li',
        {},
        make('span', { className: 'name', textContent: person.own ? `${person.name} (you)` : person.name }),
        make('small', { textContent: notes.join(', ') }),
      );
    }),
  );
  byId('count').textContent = people.length === 1 ? 'Only you are here' : `${people.length} people`;
}
