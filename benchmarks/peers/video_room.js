// Janus's video room: a room for each conference name, and every viewer gets all publishers that are
// there when it comes.
'use strict';

const {answerToJanus, answerToViewer, checkSections} = require('./sdp.js');

class VideoRoom {
    #janus;
    #rooms = new Map(); // name -> promise of {number, feeds}

    constructor(janus) {
        this.#janus = janus;
    }

    async #makeRoom(number) {
        const handle = await this.#janus.attach('videoroom');
        await this.#janus.message(handle, {
            request: 'create', room: number, publishers: 1000, bitrate: 0, fir_freq: 0,
            audiocodec: 'opus', videocodec: 'vp8', audiolevel_event: false,
        });
        return {number, feeds: []};
    }

    #room(name) {
        if (!this.#rooms.has(name)) {
            this.#rooms.set(name, this.#makeRoom(this.#rooms.size + 1));
        }
        return this.#rooms.get(name);
    }

    async publish(name, sdp) {
        const {number, feeds} = await this.#room(name);
        const handle = await this.#janus.attach('videoroom');
        const joined = await this.#janus.message(handle, {request: 'join', ptype: 'publisher', room: number});
        const published = await this.#janus.message(handle, {request: 'publish'}, {type: 'offer', sdp});
        feeds.push(joined.data.id);
        return {handle, answer: published.jsep.sdp};
    }

    async watch(name, sdp) {
        const {number, feeds} = await this.#room(name);
        if (feeds.length === 0) {
            throw new Error('nobody publishes in this room');
        }
        const handle = await this.#janus.attach('videoroom');
        const attached = await this.#janus.message(handle,
            {request: 'join', ptype: 'subscriber', room: number, streams: feeds.map((feed) => ({feed}))});
        checkSections(attached.jsep.sdp, sdp);
        await this.#janus.message(handle, {request: 'start'},
            {type: 'answer', sdp: answerToJanus(attached.jsep.sdp, sdp)});
        return {handle, answer: answerToViewer(attached.jsep.sdp)};
    }
}

module.exports = {VideoRoom};
