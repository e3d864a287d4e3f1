// The encodings of one track (simulcast), or its only one: which stream each has at present, which
// is the smallest, and which are being sent.
//
// A client says before what it will send (rids, or a group of SSRCs); which stream is which shows
// when packets come. Of several streams of one encoding, one after the other, the last to bring a
// key frame counts.
//
// Specification: RFC 8853, RFC 8852.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "media/sfu/connection_description.h"
#include "media/sfu/inbound_stream.h"

namespace isthmus::media::sfu {

class TrackEncodings {
  public:
    // Empty: one encoding, by any SSRC.
    explicit TrackEncodings(std::vector<Encoding> announced);

    // The place of a new stream; nothing where it cannot be told, or was never announced.
    [[nodiscard]] std::optional<std::size_t> place(std::uint32_t ssrc, std::string_view rid) const;

    // A packet of the stream, which add_stream() placed. True where it became its encoding's.
    bool on_packet(InboundStream& stream, bool key_frame_start);

    // The stream that an RTX packet repeats; null where it cannot be told.
    [[nodiscard]] InboundStream* find_repaired(std::uint32_t rtx_ssrc,
                                               std::string_view repaired_rid) const;

    [[nodiscard]] std::size_t size() const { return encodings_.size(); }

    [[nodiscard]] bool is_simulcast() const { return encodings_.size() > 1; }

    // By rank, the smallest first: by the size of their pictures once that is known of all that
    // are sent, else as the client listed them. Null where nothing has come of it yet.
    [[nodiscard]] InboundStream* by_rank(std::size_t rank) const {
        return encodings_[order_[rank]].stream;
    }

    // Of its pictures: as they are, else as announced; 0x0 where neither is known.
    [[nodiscard]] rtp::FrameSize size_by_rank(std::size_t rank) const;

    [[nodiscard]] const std::string& rid_by_rank(std::size_t rank) const {
        return encodings_[order_[rank]].announced.rid;
    }

    // Is it being sent? Not where it is silent while others of the track are not.
    [[nodiscard]] bool is_alive(const InboundStream& stream) const;

    // Sizes may have changed.
    void update_order();

    // Any that has been heard; null before.
    [[nodiscard]] InboundStream* any() const;

  private:
    // Simulcast encoders send every picture in each encoding that is on; some skip a few.
    static constexpr Duration kSilenceMax = std::chrono::milliseconds(700);

    struct State {
        Encoding announced;
        InboundStream* stream = nullptr;
    };

    std::vector<State> encodings_;
    std::vector<std::size_t> order_;  // indexes by rank
    std::vector<std::size_t> known_;  // for update_order()
};

}  // namespace isthmus::media::sfu
