// The stamp at the end of a frame's last payload that says when it was sent, as isthmus-load writes and
// reads it: media/client/payload_stamp.h has the layout. All clocks are CLOCK_MONOTONIC of one machine.
'use strict';

const STAMP_BYTES = 16;
const MAGIC = 0x15754d05;

function writeStamp(packet, at) {
    const now = process.hrtime.bigint();
    packet.writeUInt32BE(MAGIC, at);
    packet.writeBigUInt64BE(now, at + 4);
    packet.writeUInt32BE(Number(~now & 0xffffffffn), at + 12);
}

// Milliseconds since the stamp that `packet` ends in was written, or null without one.
function ageOfStamp(packet, now = process.hrtime.bigint()) {
    const at = packet.length - STAMP_BYTES;
    if (at < 0 || packet.readUInt32BE(at) !== MAGIC) {
        return null;
    }
    const sent = packet.readBigUInt64BE(at + 4);
    return packet.readUInt32BE(at + 12) === Number(~sent & 0xffffffffn) ? Number(now - sent) / 1e6 : null;
}

module.exports = {STAMP_BYTES, writeStamp, ageOfStamp};
