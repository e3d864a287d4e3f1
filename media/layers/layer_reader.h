// Finds out what each packet of one received video stream is to its receivers.
//
// Once per packet, before it is offered to anybody. Believes the dependency descriptor first, which
// is readable also where the payload is encrypted end to end; else the payload's own descriptor. A
// packet of which nothing can be told is needed by everybody.
//
// Specification: AV1 RTP specification appendix A, RFC 7741, RFC 9628, RFC 6184.
#pragma once

#include <cstdint>
#include <span>

#include "media/layers/descriptor_reader.h"
#include "media/layers/packet_layers.h"
#include "media/layers/unwrapper.h"
#include "media/layers/vp9_reader.h"
#include "media/rtp/payload_format.h"
#include "media/rtp/rtp_packet.h"

namespace isthmus::media::layers {

struct LayerCounters {
    std::uint64_t bad_descriptors = 0;     // dependency descriptors that contradict themselves
    std::uint64_t unknown_structures = 0;  // that name a template which never came
    std::uint64_t bad_payloads = 0;        // payload descriptors that cannot be parsed
};

class LayerReader {
  public:
    // The payload is encrypted end to end behind its RTP descriptor. Without a dependency
    // descriptor a key frame is still told by the first bytes of VP8 and the NAL headers of H.264,
    // which clients leave clear for that; sizes are told by descriptors alone.
    void set_encrypted(bool encrypted) { encrypted_ = encrypted; }

    // `descriptor`: the dependency descriptor's value, or empty.
    PacketLayers read(rtp::Codec codec,
                      const rtp::RtpPacketView& packet,
                      std::span<const std::byte> descriptor);

    // The same for a packet that has been read before, when it is sent again.
    [[nodiscard]] PacketLayers read_again(rtp::Codec codec,
                                          const rtp::RtpPacketView& packet,
                                          std::span<const std::byte> descriptor) const;

    // Of the last key frame that said so; 0x0 where none has.
    [[nodiscard]] rtp::FrameSize size_of(std::uint8_t spatial) const;

    [[nodiscard]] const LayerCounters& counters() const { return counters_; }

  private:
    void read_descriptor(std::span<const std::byte> descriptor, PacketLayers& into);
    void read_payload(rtp::Codec codec,
                      const rtp::RtpPacketView& packet,
                      std::uint64_t timestamp,
                      PacketLayers& into);
    // What the payload says is nothing that may be believed.
    void disregard_payload(rtp::Codec codec, PacketLayers& into) const;
    [[nodiscard]] std::uint64_t unwrap(const rtp::Vp8Descriptor& descriptor);
    bool read_h264(std::span<const std::byte> bytes, std::uint64_t timestamp, PacketLayers& into);
    void note_size(rtp::Codec codec, const rtp::RtpPacketView& packet, const PacketLayers& layers);

    // H.264 says the temporal layer in the first packet of a picture only.
    struct H264Picture {
        std::uint64_t timestamp = 0;
        std::uint8_t temporal = 0;
    };

    DescriptorReader descriptors_;
    Vp9Reader vp9_;
    H264Picture h264_;
    Unwrapper<32> timestamps_;
    Unwrapper<15> pictures_;
    Unwrapper<7> short_pictures_;
    bool encrypted_ = false;
    rtp::FrameSize size_;
    LayerCounters counters_;
};

}  // namespace isthmus::media::layers
