// WHIP and WHEP before a plugin of Janus, so that isthmus-load drives Janus as it drives the node.
//
//     isthmus-load -- WHIP, WHEP --> this -- Janus JSON API (HTTP) --> janus
//
// usage: node janus_gateway.js --janus http://127.0.0.1:PORT/janus [--plugin videoroom|streaming]
//            [--host ADDRESS] [--port N] [--packets-per-frame N] [--packet-bytes N] [--fps N]
// Prints the URL that it listens on. The last three say what streaming's mountpoints are fed with.
'use strict';

const http = require('node:http');
const {Janus} = require('./janus_client.js');
const {Streaming} = require('./streaming.js');
const {VideoRoom} = require('./video_room.js');

const options = Object.fromEntries(
    process.argv.slice(2).reduce((pairs, word, i, all) =>
        i % 2 === 0 ? [...pairs, [word.replace(/^--/, ''), all[i + 1]]] : pairs, []));

const janus = new Janus(options.janus);
const plugin = options.plugin === 'streaming'
    ? new Streaming(janus, {
        packetsPerFrame: Number(options['packets-per-frame'] ?? 8),
        packetBytes: Number(options['packet-bytes'] ?? 1200),
        fps: Number(options.fps ?? 30),
    })
    : new VideoRoom(janus);
let resources = 0;
const handles = new Map(); // path of the resource -> handle

async function handle(call, body) {
    const [, kind, name] = new URL(call.url, 'http://gateway').pathname.split('/');
    if (call.method === 'POST' && (kind === 'whip' || kind === 'whep')) {
        const {handle, answer} = await (kind === 'whip' ? plugin.publish(name, body) : plugin.watch(name, body));
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
