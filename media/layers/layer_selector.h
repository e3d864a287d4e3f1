// Decides, packet by packet, what one receiver is sent of one video track, and in which numbers.
//
// Told a target (a stream of the publisher's, and a layer within it), it changes to it as soon as
// the receiver can follow: to another stream at its next key frame; to more spatial layers at a key
// frame, or where the stream allows it before; to fewer, and to less often, at the next picture, if
// what is then needed has been sent. Until then it goes on with what it has. A frame whose
// references were not sent is not sent either: what the receiver gets is decodable, whatever the
// publisher claims.
//
// Nothing is copied and nothing allocated per packet. Where the receiver follows a stream from its
// beginning and gets all of it, packets pass as they are; else the beginning of the payload
// (VP8, VP9) or the dependency descriptor is written anew.
//
// Leaves out: which target is good (bandwidth, wishes), sequence numbers and timestamps
// (rtp::SequenceRewriter). Specification: RFC 7741, RFC 9628, AV1 RTP specification appendix A.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

#include "media/layers/descriptor_numbering.h"
#include "media/layers/frame_ledger.h"
#include "media/layers/packet_layers.h"
#include "media/layers/vp8_numbering.h"
#include "media/layers/vp9_numbering.h"
#include "media/rtp/payload_prefix.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::layers {

struct Target {
    std::uint32_t source = 0;  // names the stream, as in rtp::SourcePacket
    LayerId layer = kTopLayer;

    friend bool operator==(const Target&, const Target&) = default;
};

// A packet as the track received it.
struct LayeredPacket {
    std::uint32_t source = 0;
    rtp::ExtendedSeq seq{};
    rtp::RtpTimestamp timestamp{};
    bool marker = false;
    std::span<const std::byte> payload;
    const PacketLayers* layers = nullptr;
};

enum class Verdict : std::uint8_t {
    kForward,
    kDrop,  // leaves no gap in the receiver's numbers
    // Not for the receiver, but it comes late and its number may be out: to be filled with padding.
    kFill,
};

struct Selection {
    Verdict verdict = Verdict::kDrop;
    bool begins_source = false;    // the receiver's numbering changes to the packet's stream here
    bool marker = false;           // of the RTP header
    bool needs_key_frame = false;  // of the target's stream; said seldom enough to be asked for
    rtp::PayloadPrefix prefix;     // empty where the payload stays
    rtp::DescriptorEdit edit;      // of the dependency descriptor, where the packet has one
};

class LayerSelector {
  public:
    // Nothing: pauses at the end of the picture at hand.
    void set_target(std::optional<Target> target);

    [[nodiscard]] const std::optional<Target>& target() const { return target_; }

    // Every packet of every stream of the track, in the order of arrival.
    [[nodiscard]] Selection select(const LayeredPacket& packet);

    // The receiver asks again for a packet that select() let through (kForward), or filled.
    [[nodiscard]] Selection select_again(const LayeredPacket& packet) const;

    // The track's streams are others from now on; numbers go on.
    void forget_streams();

    // The stream that is being sent; nothing before its first key frame, and while paused.
    [[nodiscard]] std::optional<std::uint32_t> following() const {
        return now_.started ? std::optional(now_.source) : std::nullopt;
    }

    // Within the stream that is being sent.
    [[nodiscard]] LayerId current() const { return current_; }

    // Frames withheld because the receiver lacks what they refer to, or because their picture ids
    // contradict those before.
    [[nodiscard]] std::uint64_t undecodable() const { return undecodable_; }

  private:
    struct Stream {
        bool started = false;
        std::uint32_t source = 0;
        std::uint8_t generation = 0;  // counts up with each begin
        rtp::ExtendedSeq highest{};   // that was selected from
    };

    // Waits for something that a key frame brings: asks at once, then less and less often.
    class Patience {
      public:
        void reset() { *this = {}; }

        // One more picture in vain; true where it is time to ask: after `first`, then after twice
        // as many each time.
        bool on_picture(std::uint32_t first) {
            if (++pictures_ < std::max(first, asked_at_ * 2)) {
                return false;
            }
            asked_at_ = pictures_;
            return true;
        }

      private:
        std::uint32_t pictures_ = 0;
        std::uint32_t asked_at_ = 0;
    };

    [[nodiscard]] const Stream* stream_of(const LayeredPacket& packet) const;
    Selection wait_for_key_frame(const LayeredPacket& packet);
    void begin(const LayeredPacket& packet);
    void pause();
    Selection select_new(const LayeredPacket& packet);
    Selection select_late(const Stream& stream, const LayeredPacket& packet);
    void on_new_picture(const LayeredPacket& packet, const Target& target);
    void on_new_frame(const PacketLayers& frame);
    void try_switch(const PacketLayers& frame);
    [[nodiscard]] bool may_switch(const PacketLayers& frame, LayerId to) const;
    [[nodiscard]] bool is_decodable(const PacketLayers& frame) const;
    [[nodiscard]] bool already_sends(const PacketLayers& frame, LayerId to) const;
    [[nodiscard]] bool is_wanted_elsewhere(const PacketLayers& frame) const;
    [[nodiscard]] Fate fate_of(const PacketLayers& frame) const;
    [[nodiscard]] Fate recorded_fate(const Stream& stream, const PacketLayers& frame) const;
    void record(const Stream& stream, const PacketLayers& frame, Fate fate);
    // False where it is not forwarded, or has no number to be forwarded under.
    bool number_frame(const PacketLayers& frame, bool forwarded);
    [[nodiscard]] Selection forward(const Stream& stream,
                                    const LayeredPacket& packet,
                                    Fate fate) const;

    std::optional<Target> target_;
    Stream now_;
    Stream before_;    // for its late packets
    LayerId current_;  // what is sent
    LayerId wanted_;   // what is to be sent, as of the picture at hand

    std::uint64_t key_frame_ = 0;  // frames before it matter no more
    std::uint64_t frame_ = 0;
    Fate frame_fate_ = Fate::kUnknown;
    rtp::RtpTimestamp picture_timestamp_{};
    bool in_picture_ = false;
    bool picture_sent_ = false;   // something of the picture at hand
    bool picture_lags_ = false;   // it shows that what is wanted is not what is sent
    bool size_lags_ = false;      // in its spatial layers
    bool begins_source_ = false;  // the next packet that is forwarded does
    bool ask_key_frame_ = false;
    Patience patience_;
    std::uint64_t undecodable_ = 0;

    FrameLedger ledger_;
    Vp8Numbering vp8_;
    Vp9Numbering vp9_;
    DescriptorNumbering descriptors_;
};

}  // namespace isthmus::media::layers
