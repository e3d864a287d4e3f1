// WHIP and WHEP before Janus's video room, so that isthmus-load drives Janus as it drives the node.
//
//     isthmus-load -- WHIP, WHEP --> this -- Janus JSON API (HTTP) --> janus
//
// usage: node janus_gateway.js --janus http://127.0.0.1:PORT/janus [--host ADDRESS] [--port N]
// Prints the URL that it listens on. Each conference name is a room; every viewer gets all
// publishers that are there when it comes. In Janus the server offers to subscribers, in WHEP the
// client offers: the gateway answers each with what the other said (see `answerToViewer`).
'use strict';

const http = require('node:http');

const options = Object.fromEntries(
    process.argv.slice(2).reduce((pairs, word, i, all) =>
        i % 2 === 0 ? [...pairs, [word.replace(/^--/, ''), all[i + 1]]] : pairs, []));
const janusUrl = options.janus;
const agent = new http.Agent({keepAlive: true, maxSockets: 64});

function request(method, url, body) {
    return new Promise((resolve, reject) => {
        const call = http.request(url, {method, agent, headers: {'content-type': 'application/json'}});
        call.on('response', (response) => {
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (chunk) => (text += chunk));
            response.on('end', () => {
                try {
                    resolve(JSON.parse(text));
                } catch (error) {
                    reject(error);
                }
            });
        });
        call.on('error', reject);
        call.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

// One Janus session for all, with a handle for each participant.
class Janus {
    #session;
    #waiting = new Map(); // transaction -> {resolve, reject}
    #transactions = 0;

    async open() {
        this.#session = (await this.#post('', {janus: 'create'})).data.id;
        this.#poll();
    }

    async #post(path, body) {
        const transaction = `t${++this.#transactions}`;
        const answer = await request('POST', `${janusUrl}${path}`, {...body, transaction});
        if (answer.janus === 'error') {
            throw new Error(answer.error.reason);
        }
        return answer;
    }

    async attach() {
        const answer = await this.#post(`/${this.#session}`,
            {janus: 'attach', plugin: 'janus.plugin.videoroom'});
        return answer.data.id;
    }

    // What the plugin says to `body`, at once or as an event.
    async message(handle, body, jsep) {
        const transaction = `m${++this.#transactions}`;
        const event = new Promise((resolve, reject) => this.#waiting.set(transaction, {resolve, reject}));
        const answer = await request('POST', `${janusUrl}/${this.#session}/${handle}`,
            {janus: 'message', transaction, body, ...(jsep && {jsep})});
        if (answer.janus !== 'ack') {
            this.#settle(transaction, answer);
        }
        return event;
    }

    async detach(handle) {
        await this.#post(`/${this.#session}/${handle}`, {janus: 'detach'});
    }

    #settle(transaction, answer) {
        const waiting = this.#waiting.get(transaction);
        if (!waiting) {
            return;
        }
        this.#waiting.delete(transaction);
        const problem = answer.error?.reason ?? answer.plugindata?.data?.error;
        if (problem) {
            waiting.reject(new Error(problem));
        } else {
            waiting.resolve({data: answer.plugindata.data, jsep: answer.jsep});
        }
    }

    async #poll() {
        for (;;) {
            try {
                const events = await request('GET', `${janusUrl}/${this.#session}?maxev=50&rid=${Date.now()}`);
                for (const event of Array.isArray(events) ? events : [events]) {
                    this.#settle(event.transaction, event);
                }
            } catch (error) {
                console.error(`janus: ${error.message}`);
                process.exit(1);
            }
        }
    }
}

// The lines of an SDP: those of the session, then those of each section.
function sectionsOf(sdp) {
    const parts = [[]];
    for (const line of sdp.split(/\r?\n/).filter((text) => text !== '')) {
        if (line.startsWith('m=')) {
            parts.push([]);
        }
        parts.at(-1).push(line);
    }
    return {session: parts[0], media: parts.slice(1)};
}

const join = (session, media) => `${[session, ...media].flat().join('\r\n')}\r\n`;
const isTransport = (line) => /^a=(ice-|fingerprint:|setup:|candidate:|end-of-candidates|ssrc|msid:|send|recv|inactive|rtcp:)/.test(line);

// What Janus offers, as if it answered: Janus waits for DTLS, the client begins.
function answerToViewer(janusOffer) {
    const offer = sectionsOf(janusOffer);
    const passive = (line) => line.replace(/^a=setup:.*/, 'a=setup:passive');
    return join(offer.session.map(passive), offer.media.map((lines) => lines.map(passive)));
}

// The client's addresses and keys in answer to Janus's formats and extensions.
function answerToJanus(janusOffer, viewerOffer) {
    const offer = sectionsOf(janusOffer);
    const viewer = sectionsOf(viewerOffer);
    const find = (expression) => [...viewer.session, ...viewer.media[0]].find((line) => expression.test(line));
    const transport = [find(/^a=ice-ufrag:/), find(/^a=ice-pwd:/), find(/^a=fingerprint:/), 'a=setup:active', 'a=recvonly'];
    const session = offer.session.filter((line) => !isTransport(line));
    return join(session, offer.media.map((lines) => [...lines.filter((line) => !isTransport(line)), ...transport]));
}

const janus = new Janus();
const rooms = new Map(); // name -> promise of {number, feeds}
let resources = 0;
const handles = new Map(); // path of the resource -> handle

async function makeRoom(number) {
    const handle = await janus.attach();
    await janus.message(handle, {
        request: 'create', room: number, publishers: 1000, bitrate: 0, fir_freq: 0,
        audiocodec: 'opus', videocodec: 'vp8', audiolevel_event: false,
    });
    return {number, feeds: []};
}

function room(name) {
    if (!rooms.has(name)) {
        rooms.set(name, makeRoom(rooms.size + 1));
    }
    return rooms.get(name);
}

async function publish(name, sdp) {
    const {number, feeds} = await room(name);
    const handle = await janus.attach();
    const joined = await janus.message(handle, {request: 'join', ptype: 'publisher', room: number});
    const published = await janus.message(handle, {request: 'publish'}, {type: 'offer', sdp});
    feeds.push(joined.data.id);
    return {handle, answer: published.jsep.sdp};
}

async function watch(name, sdp) {
    const {number, feeds} = await room(name);
    if (feeds.length === 0) {
        throw new Error('nobody publishes in this room');
    }
    const handle = await janus.attach();
    const attached = await janus.message(handle,
        {request: 'join', ptype: 'subscriber', room: number, streams: feeds.map((feed) => ({feed}))});
    const wanted = sectionsOf(sdp).media.length;
    const offered = sectionsOf(attached.jsep.sdp).media.length;
    if (wanted !== offered) {
        throw new Error(`the client has ${wanted} sections, Janus offers ${offered}`);
    }
    await janus.message(handle, {request: 'start'},
        {type: 'answer', sdp: answerToJanus(attached.jsep.sdp, sdp)});
    return {handle, answer: answerToViewer(attached.jsep.sdp)};
}

async function handle(call, body) {
    const [, kind, name] = new URL(call.url, 'http://gateway').pathname.split('/');
    if (call.method === 'POST' && (kind === 'whip' || kind === 'whep')) {
        const {handle, answer} = await (kind === 'whip' ? publish : watch)(name, body);
        const location = `/resources/${++resources}`;
        handles.set(location, handle);
        return {status: 201, headers: {'content-type': 'application/sdp', location}, body: answer};
    }
    if (call.method === 'DELETE' && handles.has(call.url)) {
        await janus.detach(handles.get(call.url));
        handles.delete(call.url);
        return {status: 200};
    }
    return {status: call.method === 'PATCH' ? 204 : 404};
}

const server = http.createServer((call, response) => {
    let body = '';
    call.setEncoding('utf8');
    call.on('data', (chunk) => (body += chunk));
    call.on('end', async () => {
        let result;
        try {
            result = await handle(call, body);
        } catch (error) {
            console.error(`${call.method} ${call.url}: ${error.message}`);
            result = {status: 503, headers: {'content-type': 'text/plain'}, body: error.message};
        }
        response.writeHead(result.status, result.headers).end(result.body);
    });
});

server.keepAliveTimeout = 0; // isthmus-load keeps its connections for as long as it runs

janus.open().then(() => {
    server.listen(Number(options.port ?? 0), options.host ?? '127.0.0.1', () =>
        console.log(`http://${server.address().address}:${server.address().port}`));
}, (error) => {
    console.error(`janus: ${error.message}`);
    process.exit(1);
});
