// What is kept of each SSRC that a peer sends from: at most kSrtpStreamsMax of them.
//
// Only SSRCs that authenticated get a place. A peer may still invent them, so that the one that was
// silent longest gives way; where it comes back it is new, with roll-over counter 0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace isthmus::media::transport {

inline constexpr std::size_t kSrtpStreamsMax = 256;

template <typename Stream>
class SrtpStreams {
  public:
    // Null for one that is not known. Valid until the next note().
    [[nodiscard]] const Stream* find(std::uint32_t ssrc) const {
        const std::size_t place = place_of(ssrc);
        return place < ssrcs_.size() ? &entries_[place].stream : nullptr;
    }

    // Call for each packet that authenticated. Allocates for an SSRC that is new, and then seldom.
    [[nodiscard]] Stream& note(std::uint32_t ssrc) {
        std::size_t place = place_of(ssrc);
        if (place == ssrcs_.size()) {
            place = make_place();
            ssrcs_[place] = ssrc;
            entries_[place].stream = Stream{};
        }
        latest_ = place;
        entries_[place].last_use = ++uses_;
        return entries_[place].stream;
    }

    [[nodiscard]] std::size_t size() const { return ssrcs_.size(); }

  private:
    struct Entry {
        std::uint64_t last_use = 0;
        Stream stream;
    };

    // ssrcs_.size() where it has none.
    [[nodiscard]] std::size_t place_of(std::uint32_t ssrc) const {
        if (latest_ < ssrcs_.size() && ssrcs_[latest_] == ssrc) {
            return latest_;
        }
        return static_cast<std::size_t>(std::ranges::find(ssrcs_, ssrc) - ssrcs_.begin());
    }

    [[nodiscard]] std::size_t make_place() {
        if (ssrcs_.size() < kSrtpStreamsMax) {
            ssrcs_.emplace_back();
            entries_.emplace_back();
            return ssrcs_.size() - 1;
        }
        const auto oldest = std::ranges::min_element(entries_, {}, &Entry::last_use);
        return static_cast<std::size_t>(oldest - entries_.begin());
    }

    // Side by side, to be searched; most packets are of the SSRC before.
    std::vector<std::uint32_t> ssrcs_;
    std::vector<Entry> entries_;
    std::size_t latest_ = 0;
    std::uint64_t uses_ = 0;
};

}  // namespace isthmus::media::transport
