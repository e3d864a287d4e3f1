#include "media/sfu/red_forwarding.h"

#include <array>
#include <optional>

#include "media/rtp/red.h"

namespace isthmus::media::sfu {
namespace {

constexpr std::size_t kDistanceMax = 2;
constexpr std::array<rtp::ProtectionStep, kDistanceMax> kSteps{
    {{.loss_on = 0.03, .loss_off = 0.01}, {.loss_on = 0.10, .loss_off = 0.05}}};

// The frame `distance` packets before; nothing where RED cannot carry it.
std::optional<rtp::EarlierFrame> find_earlier(Instant now,
                                              const InboundStream& stream,
                                              rtp::ExtendedSeq seq,
                                              const rtp::RtpPacketView& packet,
                                              std::size_t distance) {
    const auto cached =
        stream.cache.find(now, rtp::advance(seq, -static_cast<std::int64_t>(distance)));
    if (!cached || cached->payload_type != packet.payload_type || cached->payload.empty() ||
        cached->payload.size() > rtp::kRedBlockBytesMax) {
        return std::nullopt;
    }
    const std::int32_t ticks = rtp::distance(cached->timestamp, packet.timestamp);
    if (ticks <= 0 || ticks > static_cast<std::int32_t>(rtp::kRedTimestampOffsetMax)) {
        return std::nullopt;
    }
    return rtp::EarlierFrame{.timestamp_offset = static_cast<std::uint32_t>(ticks),
                             .payload = cached->payload};
}

// The receiver was sent the packet `distance` before under the number `distance` before.
bool was_sent_before(const rtp::SequenceRewriter& rewriter,
                     const OutgoingPacket& outgoing,
                     std::size_t distance) {
    const auto steps = static_cast<std::int64_t>(distance);
    const auto before = rewriter.find(rtp::seq16_of(rtp::advance(outgoing.seq, -steps)));
    return before == rtp::SourcePacket{.source = outgoing.stream->source,
                                       .seq = rtp::advance(outgoing.source_seq, -steps)};
}

// Gives the blocks of published RED the receiver's payload type. False where they cannot have it.
bool rename_blocks(std::span<const std::byte> payload,
                   std::uint8_t block_type,
                   PayloadPatch& patch) {
    const auto red = rtp::RedPayload::parse(payload);
    if (!red) {
        return false;
    }
    patch.size = static_cast<std::uint8_t>(rtp::write_red_headers(*red, block_type, patch.bytes));
    patch.replaces = patch.size;
    return patch.size != 0;
}

}  // namespace

RedForwarding::RedForwarding() : loss_(kSteps) {}

void RedForwarding::shape(Instant now,
                          const TrackPacket& packet,
                          const FormatPair& formats,
                          const rtp::SequenceRewriter& rewriter,
                          OutgoingPacket& outgoing) const {
    const auto& [published, wanted] = formats;
    outgoing.payload_type = wanted.payload_type;
    if (packet.red_primary_at != 0) {
        if (wanted.red_payload_type && packet.red_uniform &&
            (published.payload_type == wanted.payload_type ||
             rename_blocks(packet.packet.payload, wanted.payload_type, outgoing.patch))) {
            outgoing.payload_type = *wanted.red_payload_type;
        } else {
            outgoing.patch.replaces = packet.red_primary_at;
        }
        return;
    }
    if (!wanted.red_payload_type) {
        return;
    }
    while (outgoing.earlier_frames < distance() &&
           was_sent_before(rewriter, outgoing, outgoing.earlier_frames + 1U) &&
           find_earlier(
               now, *packet.stream, packet.seq, packet.packet, outgoing.earlier_frames + 1U)) {
        ++outgoing.earlier_frames;
    }
    if (outgoing.earlier_frames != 0) {
        outgoing.payload_type = *wanted.red_payload_type;
        outgoing.red_block_type = wanted.payload_type;
    }
}

bool read_red(std::uint8_t block_type, TrackPacket& packet) {
    const auto red = rtp::RedPayload::parse(packet.packet.payload);
    if (!red || red->primary_type != block_type) {
        return false;
    }
    packet.block_type = block_type;
    packet.red_uniform = red->is_uniform();
    packet.red_primary_at =
        static_cast<std::uint16_t>(packet.packet.payload.size() - red->primary.size());
    return true;
}

std::span<const std::byte> write_red(Instant now,
                                     const OutgoingPacket& packet,
                                     const rtp::RtpPacketView& content,
                                     std::span<std::byte> out) {
    std::array<rtp::EarlierFrame, kDistanceMax> frames;
    std::size_t first = kDistanceMax;
    for (std::size_t distance = 1; distance <= packet.earlier_frames; ++distance) {
        const auto frame = find_earlier(now, *packet.stream, packet.source_seq, content, distance);
        if (!frame) {
            break;
        }
        frames[--first] = *frame;
    }
    return out.first(rtp::write_red_prefix(
        packet.red_block_type, std::span<const rtp::EarlierFrame>(frames).subspan(first), out));
}

}  // namespace isthmus::media::sfu
