#include "media/sfu/downlink.h"

namespace isthmus::media::sfu {

bool Downlink::open(EgressBatch& batch) const {
    const transport::SrtpSendKey* key = transport_.send_key();
    const transport::Path* path = transport_.selected_path();
    if (key == nullptr || path == nullptr) {
        return false;
    }
    batch.to(*key, *path);
    return true;
}

bool Downlink::send(Instant now,
                    const OutgoingPacket& packet,
                    const PacketContent& content,
                    EgressBatch& batch,
                    transport::DatagramSink& sink) {
    if (batch.full()) {
        batch.flush(sink);
    }
    const rtp::RtpHeaderWriter& writer = *packet.header_writer;
    rtp::RtpHeaderFields fields{.payload_type = packet.payload_type,
                                .marker = packet.marker,
                                .seq = rtp::seq16_of(packet.seq),
                                .timestamp = packet.timestamp,
                                .ssrc = packet.ssrc};
    if (writer.wants_transport_sequence()) {
        fields.transport_sequence = transport_sequence_++;
    }
    if (writer.wants_abs_send_time()) {
        fields.abs_send_time = rtp::abs_send_time_of(now);
    }
    const std::size_t header_bytes =
        writer.write(fields, content.packet.csrcs, content.extensions, batch.header_room());
    return batch.commit(header_bytes,
                        packet.patch.span(),
                        content.packet.payload.subspan(packet.patch.replaces),
                        rtp::roc_of(packet.seq));
}

}  // namespace isthmus::media::sfu
