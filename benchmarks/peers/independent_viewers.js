// Viewers that are not isthmus-load's: libdatachannel's (npm node-datachannel), which has its own ICE,
// DTLS and SRTP. They watch by WHEP and count what arrives, to check isthmus-load's figures by.
//
// usage: node independent_viewers.js --node http://127.0.0.1:8080 --conference NAME --viewers N
//            --seconds N [--joins-per-second N]
// Prints one line of JSON. Reads up to about 200 viewers' video on one core.
'use strict';

const crypto = require('node:crypto');
const {PeerConnection, RtcpReceivingSession, Video, cleanup, getLibraryVersion} = require('node-datachannel');
const {ageOfStamp} = require('./payload_stamp.js');

const options = Object.fromEntries(
    process.argv.slice(2).reduce((pairs, word, i, all) =>
        i % 2 === 0 ? [...pairs, [word.replace(/^--/, ''), all[i + 1]]] : pairs, []));

const DEV_KEY = {name: 'devkey', secret: 'devsecret-change-me-32-characters!'}; // isthmus-node --dev
const CONNECT_LIMIT_MS = 20000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function makeToken(conference, identity) {
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);
    const body = `${encode({alg: 'HS256', typ: 'JWT'})}.${encode({
        iss: DEV_KEY.name, sub: identity, name: identity, nbf: now - 5, exp: now + 3600,
        video: {room: conference, roomJoin: true},
    })}`;
    return `${body}.${crypto.createHmac('sha256', DEV_KEY.secret).update(body).digest('base64url')}`;
}

// What one viewer got: RTP packets in the order of their numbers, frames of which nothing is missing.
class Counts {
    packets = 0;
    lost = 0;
    frames = 0;
    ages = []; // of whole frames, ms
    #next = null; // the sequence number that comes next
    #whole = false; // nothing of the frame that is under way was lost

    add(packet) {
        if (packet.length < 12 || (packet[1] & 0x7f) >= 72 && (packet[1] & 0x7f) <= 79) {
            return; // RTCP (RFC 5761 section 4)
        }
        const sequence = packet.readUInt16BE(2);
        const ahead = this.#next === null ? 0 : (sequence - this.#next) & 0xffff;
        ++this.packets;
        if (ahead >= 0x8000) { // came late: counted as lost before
            this.lost -= 1;
            return;
        }
        this.lost += ahead;
        this.#whole = this.#whole && ahead === 0;
        this.#next = (sequence + 1) & 0xffff;
        if ((packet[1] & 0x80) !== 0) {
            this.#endFrame(packet);
        }
    }

    #endFrame(packet) {
        if (this.#whole) {
            ++this.frames;
            const padding = (packet[0] & 0x20) !== 0 ? packet[packet.length - 1] : 0;
            const age = ageOfStamp(packet.subarray(0, packet.length - padding));
            if (age !== null) {
                this.ages.push(age);
            }
        }
        this.#whole = true;
    }

    reset() {
        this.packets = this.lost = this.frames = 0;
        this.ages = [];
    }
}

class Viewer {
    counts = new Counts();
    connected = false;
    #connection;

    constructor(name) {
        this.name = name;
        this.#connection = new PeerConnection(name, {iceServers: []});
    }

    async join(node, conference) {
        const connection = this.#connection;
        const offered = new Promise((resolve) => connection.onGatheringStateChange((state) => {
            if (state === 'complete') {
                resolve(connection.localDescription().sdp);
            }
        }));
        connection.onStateChange((state) => (this.connected = state === 'connected'));
        const video = new Video('0', 'RecvOnly');
        video.addVP8Codec(96);
        this.track = connection.addTrack(video);
        this.session = new RtcpReceivingSession();
        this.track.setMediaHandler(this.session);
        this.track.onMessage((packet) => this.counts.add(packet));
        connection.setLocalDescription('offer');
        const response = await fetch(`${node}/whep/${conference}`, {
            method: 'POST',
            headers: {'content-type': 'application/sdp', authorization: `Bearer ${makeToken(conference, this.name)}`},
            body: await offered,
        });
        const answer = await response.text();
        if (response.status !== 201) {
            throw new Error(`the node answered ${response.status}: ${answer}`);
        }
        connection.setRemoteDescription(answer, 'answer');
    }

    close() {
        this.#connection.close();
    }
}

const percentile = (sorted, share) =>
    sorted.length === 0 ? 0 : sorted[Math.min(Math.ceil(share * sorted.length), sorted.length) - 1];

async function run() {
    const wanted = Number(options.viewers ?? 10);
    const seconds = Number(options.seconds ?? 5);
    const pause = 1000 / Number(options['joins-per-second'] ?? 20);
    const viewers = [];
    for (let i = 0; i < wanted; ++i) {
        viewers.push(new Viewer(`independent-${i + 1}`));
        await viewers.at(-1).join(options.node, options.conference ?? 'load');
        await sleep(pause);
    }
    for (let waited = 0; waited < CONNECT_LIMIT_MS && viewers.some((each) => each.counts.frames === 0); waited += 50) {
        await sleep(50);
    }
    await sleep(1000);
    for (const viewer of viewers) {
        viewer.counts.reset();
    }
    const began = performance.now();
    const cpuBefore = process.cpuUsage();
    await sleep(seconds * 1000);
    const elapsed = (performance.now() - began) / 1000;
    const cpu = process.cpuUsage(cpuBefore);
    const sum = (key) => viewers.reduce((total, viewer) => total + viewer.counts[key], 0);
    const ages = viewers.flatMap((viewer) => viewer.counts.ages).sort((a, b) => a - b);
    const perViewer = (key) => sum(key) / elapsed / wanted;
    console.log(JSON.stringify({
        library: `libdatachannel ${getLibraryVersion()}`,
        viewers: wanted,
        connected: viewers.filter((viewer) => viewer.connected).length,
        seconds: elapsed,
        packets: sum('packets'),
        packets_per_viewer_s: perViewer('packets'),
        frames_per_viewer_s: perViewer('frames'),
        loss_ratio: sum('lost') / Math.max(sum('packets') + sum('lost'), 1),
        p50_ms: percentile(ages, 0.5),
        p99_ms: percentile(ages, 0.99),
        // Above 1 means that it needed more than a core, and may have been the limit.
        cpu: (cpu.user + cpu.system) / 1e6 / elapsed,
    }));
    for (const viewer of viewers) {
        viewer.close();
    }
    cleanup();
}

run().then(() => process.exit(0), (error) => {
    console.error(`independent_viewers: ${error.message}`);
    process.exit(1);
});
