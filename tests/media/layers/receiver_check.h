// A receiver's side of the bargain: everything that it is sent can be decoded, and all numbers go
// on as the payload formats demand.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "media/layers/layer_reader.h"
#include "media/layers/layer_selector.h"
#include "media/rtp/sequence_rewriter.h"
#include "tests/media/layers/scalable_source.h"

namespace isthmus::media::layers {

// One packet as it would leave.
struct Received {
    std::uint32_t source = 0;
    std::uint32_t frame = 0;  // id within the source
    int index = 0;            // of the packet within the frame
    rtp::ExtendedSeq seq{};
    rtp::RtpTimestamp timestamp{};
    bool marker = false;
    bool filler = false;
    rtp::Bytes payload;
    rtp::Bytes descriptor;
    bool rewritten = false;  // anything but the RTP header
};

// Which packet of a ScalableSource a payload is.
[[nodiscard]] Received identify(std::span<const std::byte> payload);

// A track's path to one receiver: what the sfu does with a selector and a rewriter.
class ReceiverPath {
  public:
    explicit ReceiverPath(rtp::Codec codec) : codec_(codec), rewriter_({}) {}

    void set_target(std::optional<Target> target) { selector.set_target(target); }

    void take(const std::vector<SourcePacketBytes>& packets) {
        for (const SourcePacketBytes& packet : packets) {
            take(packet);
        }
    }

    void take(const SourcePacketBytes& packet);
    // Asks for a packet again. Nothing where it would not be answered.
    [[nodiscard]] std::optional<Received> ask_again(const SourcePacketBytes& packet);

    LayerSelector selector;
    std::vector<Received> received;
    int key_frame_requests = 0;

  private:
    [[nodiscard]] Received make(const SourcePacketBytes& packet,
                                const Selection& selection,
                                const rtp::Rewritten& rewritten) const;

    rtp::Codec codec_;
    rtp::SequenceRewriter rewriter_;
    std::map<std::uint32_t, LayerReader> readers_;  // by source
};

// What arrived, by true frames.
struct Summary {
    std::map<LayerId, int> frames;  // whole ones
    int pictures = 0;
    std::set<std::uint32_t> sources;
};

// Fails the test where a rule is broken: sequence numbers without gaps; frames whole and with all
// that they refer to; one marker per picture, at its end; VP8 picture ids in a row and TL0PICIDX
// one more with each T0; VP9 references to pictures that were sent; frame numbers of dependency
// descriptors ascending and references to frames that were sent, under the structure that was sent.
Summary check_received(const std::vector<Received>& received,
                       const std::vector<const ScalableSource*>& sources);

}  // namespace isthmus::media::layers
