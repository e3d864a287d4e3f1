// What happens in conferences without being asked for, as signaling hears it.
//
// Every participant is told of, whichever door it came through: a WHIP publisher as well as one
// that signaling let in itself. Of one connection events come in order; its last is ConnectionGone
// (switchboard.h).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "media/data/data_message.h"
#include "media/rtp/payload_format.h"
#include "media/worker/connection_id.h"

namespace isthmus::media {

struct ParticipantJoined {
    ConnectionId connection;
    std::string conference;
    std::string conference_id;
    std::string participant_id;
    std::string identity;
    std::string name;
    bool hidden = false;
};

// ICE and DTLS are through: media can flow.
struct ParticipantConnected {
    ConnectionId connection;
};

// Others can be sent the track: it was negotiated, and its client is connected.
struct TrackPublished {
    ConnectionId connection;
    std::string track_id;  // "TR_..."
    std::string mid;
    rtp::MediaKind kind = rtp::MediaKind::kAudio;
    std::string codec;  // "VP8", "opus": what the section prefers
    bool simulcast = false;
};

struct TrackEnded {
    ConnectionId connection;
    std::string track_id;
};

struct Speaker {
    std::string participant_id;
    double level = 0;  // linear, 0 to 1 (RFC 6464 level L: 10^(-L/20)), smoothed
    bool active = false;
};

// Those whose level or activity changed in the last interval; once more with level 0 for those who
// fell silent.
struct SpeakersChanged {
    std::string conference;
    std::vector<Speaker> speakers;
};

// A video is not sent to the connection for want of bandwidth, or is again.
struct StreamStateChanged {
    ConnectionId connection;
    std::string track_id;
    bool paused = false;
};

// One encoding (simulcast) or spatial layer (SVC) of a video, and whether anybody wants it.
struct LayerWanted {
    std::string rid;           // empty where told apart otherwise
    std::uint8_t spatial = 0;  // rank, smallest first
    bool wanted = false;
};

// What of its video a publisher needs to send: everything, until the first of these. Told at once
// when somebody wants more, late when nobody does any more.
struct LayersWanted {
    ConnectionId connection;  // the publisher's
    std::string track_id;
    std::vector<LayerWanted> layers;
};

// Over the last interval, both ways.
struct ConnectionMeasured {
    ConnectionId connection;
    double loss_up = 0;    // ratio of what the client sent
    double loss_down = 0;  // of what it was sent, as it reports
    double round_trip_seconds = 0;
};

// A channel is open both ways; the client's are told too.
struct DataChannelOpened {
    ConnectionId connection;
    std::uint16_t channel = 0;  // the SCTP stream
    std::string label;
    bool reliable = true;
};

using data::DataMessage;

struct DataReceived {
    ConnectionId connection;
    DataMessage message;
};

struct DataChannelClosed {
    ConnectionId connection;
    std::uint16_t channel = 0;
};

using ConferenceEvent = std::variant<ParticipantJoined,
                                     ParticipantConnected,
                                     TrackPublished,
                                     TrackEnded,
                                     SpeakersChanged,
                                     StreamStateChanged,
                                     LayersWanted,
                                     ConnectionMeasured,
                                     DataChannelOpened,
                                     DataReceived,
                                     DataChannelClosed>;

}  // namespace isthmus::media
