#include "media/worker/datagram_intake.h"

namespace isthmus::media {

using transport::DatagramKind;
using transport::DatagramSink;
using transport::InDatagram;

void DatagramIntake::handle(Instant now, const InDatagram& datagram, DatagramSink& sink) {
    const DatagramKind kind = transport::classify(datagram.bytes);
    if (kind == DatagramKind::kStun) {
        handle_stun(now, datagram, sink);
        return;
    }
    sfu::Participant* participant = state_.connections.find_path(*datagram.path);
    if (participant == nullptr || kind == DatagramKind::kOther) {
        ++state_.stats.datagrams_unknown;
        return;
    }
    participant->touch();
    switch (kind) {
        case DatagramKind::kDtls:
            participant->transport().handle_dtls(now, *datagram.path, datagram.bytes);
            state_.drain_datagrams(*participant, sink);
            break;
        case DatagramKind::kRtp:
            participant->handle_rtp(now, datagram.bytes, state_.stats);
            break;
        case DatagramKind::kRtcp:
            participant->handle_rtcp(now, datagram.bytes, state_.egress, sink, state_.stats);
            break;
        case DatagramKind::kStun:
        case DatagramKind::kOther:
            break;
    }
}

void DatagramIntake::handle_stun(Instant now, const InDatagram& datagram, DatagramSink& sink) {
    sfu::Participant* participant =
        state_.connections.find_ufrag(transport::stun_local_ufrag(datagram.bytes));
    if (participant == nullptr) {
        ++state_.stats.stun_bad;
        return;
    }
    // Only an authentic check binds a path: nobody else can claim one.
    participant->transport().handle_stun(now, *datagram.path, datagram.bytes);
    if (participant->transport().is_verified(*datagram.path)) {
        state_.connections.bind_path(*participant, *datagram.path);
    }
    state_.drain_datagrams(*participant, sink);
    participant->touch();
}

void DatagramIntake::handle_path_closed(Instant now, const transport::Path& path) {
    sfu::Participant* participant = state_.connections.find_path(path);
    if (participant == nullptr) {
        return;
    }
    state_.connections.unbind_path(*participant, path);
    participant->transport().handle_link_closed(now, path.link);
    state_.rearm(*participant);
}

}  // namespace isthmus::media
