// Sends frames of noise as plain RTP to a port of this machine: what isthmus-load's publishers send with
// --packets-per-frame, but every frame says that it is a key frame, as nobody can ask a feeder for one.
'use strict';

const crypto = require('node:crypto');
const dgram = require('node:dgram');
const {STAMP_BYTES, writeStamp} = require('./payload_stamp.js');

const PAYLOAD_TYPE = 96;
const HEADER_BYTES = 12;
const CLOCK_HZ = 90000;
// Of an encrypted packet: what the server adds, header extensions and the tag of GCM.
const ADDED_BYTES = 16 + 16;

class RtpFeeder {
    #socket = dgram.createSocket('udp4');
    #port;
    #interval;
    #step;
    #packets;
    #sequence = 0;
    #timestamp = 0;

    // `packetBytes`: about the size of a packet that a viewer gets.
    constructor(port, {packetsPerFrame, packetBytes, fps}) {
        this.#port = port;
        this.#interval = 1000 / fps;
        this.#step = Math.round(CLOCK_HZ / fps);
        const ssrc = crypto.randomInt(1, 0x7fffffff);
        this.#packets = Array.from({length: packetsPerFrame}, (_, i) => {
            const packet = crypto.randomBytes(packetBytes - ADDED_BYTES);
            packet[0] = 0x80;
            packet[1] = PAYLOAD_TYPE | (i === packetsPerFrame - 1 ? 0x80 : 0);
            packet.writeUInt32BE(ssrc, 8);
            packet[HEADER_BYTES] = i === 0 ? 0x10 : 0; // RFC 7741 section 4.2: S, and partition 0
            packet[HEADER_BYTES + 1] = 0; // RFC 7741 section 4.3: a key frame
            return packet;
        });
    }

    start() {
        let next = performance.now();
        const tick = () => {
            this.#sendFrame();
            next += this.#interval;
            setTimeout(tick, Math.max(next - performance.now(), 0));
        };
        tick();
    }

    #sendFrame() {
        for (const [i, packet] of this.#packets.entries()) {
            packet.writeUInt16BE(this.#sequence, 2);
            packet.writeUInt32BE(this.#timestamp, 4);
            this.#sequence = (this.#sequence + 1) & 0xffff;
            if (i === this.#packets.length - 1) {
                writeStamp(packet, packet.length - STAMP_BYTES);
            }
            // A copy: the socket may send later than the next frame is written.
            this.#socket.send(Buffer.from(packet), this.#port, '127.0.0.1');
        }
        this.#timestamp = (this.#timestamp + this.#step) >>> 0;
    }
}

module.exports = {RtpFeeder, PAYLOAD_TYPE};
