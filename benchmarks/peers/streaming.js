// Janus's streaming plugin: a mountpoint for each conference name, fed with plain RTP (rtp_feeder.js),
// which everybody who watches gets.
'use strict';

const {answerToJanus, answerToViewer, checkSections} = require('./sdp.js');
const {RtpFeeder, PAYLOAD_TYPE} = require('./rtp_feeder.js');

class Streaming {
    #janus;
    #shape;
    #mountpoints = new Map(); // name -> promise of a number

    // `shape`: what the feeder sends.
    constructor(janus, shape) {
        this.#janus = janus;
        this.#shape = shape;
    }

    async #makeMountpoint(number) {
        const handle = await this.#janus.attach('streaming');
        const {data} = await this.#janus.message(handle, {
            request: 'create', type: 'rtp', id: number, name: `mountpoint ${number}`, permanent: false,
            media: [{type: 'video', mid: 'v', label: 'video', pt: PAYLOAD_TYPE, codec: 'vp8', port: 0}],
        });
        const port = data.stream?.ports?.[0]?.port;
        if (!port) {
            throw new Error(`Janus names no port for its mountpoint: ${JSON.stringify(data)}`);
        }
        new RtpFeeder(port, this.#shape).start();
        return number;
    }

    #mountpoint(name) {
        if (!this.#mountpoints.has(name)) {
            this.#mountpoints.set(name, this.#makeMountpoint(this.#mountpoints.size + 1));
        }
        return this.#mountpoints.get(name);
    }

    async publish() {
        throw new Error('nobody publishes here: the mountpoint is fed with plain RTP (--publishers 0)');
    }

    async watch(name, sdp) {
        const id = await this.#mountpoint(name);
        const handle = await this.#janus.attach('streaming');
        const watched = await this.#janus.message(handle, {request: 'watch', id});
        checkSections(watched.jsep.sdp, sdp);
        await this.#janus.message(handle, {request: 'start'},
            {type: 'answer', sdp: answerToJanus(watched.jsep.sdp, sdp)});
        return {handle, answer: answerToViewer(watched.jsep.sdp)};
    }
}

module.exports = {Streaming};
