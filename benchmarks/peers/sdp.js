// Offers and answers turned around: Janus offers to those who watch, in WHEP the one who watches offers.
'use strict';

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

// Does the client have a section for each that Janus has?
function checkSections(janusOffer, viewerOffer) {
    const wanted = sectionsOf(viewerOffer).media.length;
    const offered = sectionsOf(janusOffer).media.length;
    if (wanted !== offered) {
        throw new Error(`the client has ${wanted} sections, Janus offers ${offered}`);
    }
}

module.exports = {answerToJanus, answerToViewer, checkSections};
