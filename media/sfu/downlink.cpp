#include "media/sfu/downlink.h"

#include <array>

#include "media/sfu/fec_stream.h"
#include "media/sfu/red_forwarding.h"

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
    stamp(now, writer, fields);
    const std::span<const std::byte> header = batch.header_room().first(
        writer.write(fields, content.packet.csrcs, content.extensions, batch.header_room()));
    std::array<std::byte, EgressBatch::kPrefixBytesMax> red;
    const std::span<const std::byte> prefix = packet.earlier_frames == 0
                                                  ? packet.patch.span()
                                                  : write_red(now, packet, content.packet, red);
    const std::span<const std::byte> payload =
        content.packet.payload.subspan(packet.patch.replaces);
    if (!batch.commit(header.size(), prefix, payload, rtp::roc_of(packet.seq))) {
        return false;
    }
    if (packet.fec != nullptr &&
        packet.fec->on_sent(
            now, packet.seq, {.header = header, .prefix = prefix, .payload = payload})) {
        send_repair(now, packet, batch, sink);
    }
    return true;
}

void Downlink::stamp(Instant now,
                     const rtp::RtpHeaderWriter& writer,
                     rtp::RtpHeaderFields& fields) {
    if (writer.wants_transport_sequence()) {
        fields.transport_sequence = transport_sequence_++;
    }
    if (writer.wants_abs_send_time()) {
        fields.abs_send_time = rtp::abs_send_time_of(now);
    }
}

void Downlink::send_repair(Instant now,
                           const OutgoingPacket& repaired,
                           EgressBatch& batch,
                           transport::DatagramSink& sink) {
    if (batch.full()) {
        batch.flush(sink);
    }
    FecStream& fec = *repaired.fec;
    const rtp::ExtendedSeq seq = fec.seq();
    rtp::RtpHeaderFields fields{.payload_type = fec.description().payload_type,
                                .seq = rtp::seq16_of(seq),
                                .timestamp = repaired.timestamp,
                                .ssrc = fec.description().ssrc};
    stamp(now, *repaired.header_writer, fields);
    const std::size_t header_bytes =
        repaired.header_writer->write(fields, {}, {}, batch.header_room());
    const std::span<std::byte> payload = batch.take_payload_room(fec.repair_bytes());
    fec.take_repair(payload);
    batch.commit(header_bytes, {}, payload, rtp::roc_of(seq));
}

}  // namespace isthmus::media::sfu
