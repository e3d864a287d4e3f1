// A packet in one receiver's terms: everything but the payload, which lies in its publisher's cache
// and is shared by all receivers.
//
// Small enough to wait in a queue: what is written at the moment of sending (transport-wide number,
// send time) is not in it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "media/rtp/dependency_descriptor.h"
#include "media/rtp/header_extensions.h"
#include "media/rtp/rtp_header_writer.h"
#include "media/rtp/rtp_packet.h"
#include "media/rtp/sequence.h"
#include "media/sfu/inbound_stream.h"

namespace isthmus::media::sfu {

class FecStream;

// In the order in which they leave where not all may: sound first, then what a picture waits for.
enum class SendClass : std::uint8_t { kAudio, kRetransmission, kVideo };

// Bytes in the place of the first `replaces` bytes of the shared payload: a descriptor in this
// receiver's numbering, or the original sequence number of a retransmission. Empty: the payload as
// it is.
struct PayloadPatch {
    static constexpr std::size_t kBytesMax = 14;

    std::array<std::byte, kBytesMax> bytes{};
    std::uint8_t size = 0;
    std::uint16_t replaces = 0;

    [[nodiscard]] std::span<const std::byte> span() const { return std::span(bytes).first(size); }
};

struct OutgoingPacket {
    const InboundStream* stream = nullptr;                   // whose cache has the payload
    rtp::ExtendedSeq source_seq{};                           // its name there
    const rtp::RtpHeaderWriter* header_writer = nullptr;     // of the receiver's section
    const rtp::HeaderExtensionParser* extensions = nullptr;  // of the publisher
    rtp::ExtendedSeq seq{};                                  // roc_of() is the roll-over counter
    rtp::RtpTimestamp timestamp{};
    std::uint32_t ssrc = 0;
    std::uint8_t payload_type = 0;
    bool marker = false;
    SendClass send_class = SendClass::kVideo;
    // RED that the node makes: how many of the packets before go along, and what all are called.
    std::uint8_t earlier_frames = 0;
    std::uint8_t red_block_type = 0;
    // Nothing but a number: neither payload nor what describes it.
    bool filler = false;
    PayloadPatch patch;
    rtp::DescriptorEdit descriptor;  // of the dependency descriptor
    FecStream* fec = nullptr;        // protects it; null for what is not protected
};

// What the publisher's packet says; points into its cache.
struct PacketContent {
    const rtp::RtpPacketView& packet;
    const rtp::HeaderExtensions& extensions;
};

}  // namespace isthmus::media::sfu
