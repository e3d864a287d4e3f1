// The page: a lobby, and the meetings that are joined from it.
import { Lobby } from './lobby.js';
import { Meeting } from './meeting.js';

const parameters = new URLSearchParams(location.search);
const named = /^\/meet\/([^/]+)$/.exec(location.pathname);
let meeting = null;

const lobby = new Lobby({
  conference: named ? decodeURIComponent(named[1]) : (parameters.get('conference') ?? ''),
  name: parameters.get('name'),
  token: parameters.get('token'),
  join: async (choice) => {
    meeting = await Meeting.join(choice, (sentence) => {
      meeting = null;
      lobby.show(sentence);
    });
    lobby.hide();
    history.replaceState(null, '', `/meet/${encodeURIComponent(choice.conference)}`);
  },
});

if (parameters.has('token')) {
  // A secret does not belong in the address bar or the history.
  parameters.delete('token');
  history.replaceState(null, '', `${location.pathname}${parameters.size > 0 ? `?${parameters}` : ''}`);
}
addEventListener('pagehide', () => meeting?.leave());
lobby.show();
