// Which packets to one receiver to pad, so that more of them leave as one segmented message.
//
// UDP_SEGMENT cuts a message into equal pieces, of which only the last may be shorter. Encoders cut
// a frame into packets that differ by a byte or so; RTP padding (RFC 3550 section 5.1) of the
// shorter ones makes one run of them. Eight packets in two messages cost half to nine tenths more
// to send than in one (udp_send_uneven in benchmarks/media/transport/udp_benchmark.cpp), a byte of
// padding next to nothing, so that runs are joined as long as few bytes are added. No packet
// becomes longer than the longest of its run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace isthmus::media::transport {

struct RunPacket {
    std::uint16_t bytes = 0;  // of the datagram, without padding
    // False where something else depends on the packet's bytes: it is protected by FEC, or has
    // padding already.
    bool may_pad = true;
    // Bytes of RTP padding that it should get.
    std::uint8_t padding_bytes = 0;
};

class RunPadding {
  public:
    // What is added to the bytes of a run, at most.
    static constexpr std::size_t kPercentMax = 3;
    static constexpr std::size_t kPaddingBytesMax = 255;  // it is counted in one byte

    // Decides for the packets of one receiver, in the order in which they will be sent. Time grows
    // with their number.
    static void plan(std::span<RunPacket> packets);
};

}  // namespace isthmus::media::transport
