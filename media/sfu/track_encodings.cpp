#include "media/sfu/track_encodings.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

namespace isthmus::media::sfu {

TrackEncodings::TrackEncodings(std::vector<Encoding> announced) {
    if (announced.empty()) {
        announced.emplace_back();
    }
    for (Encoding& encoding : announced) {
        encodings_.push_back({.announced = std::move(encoding)});
    }
    order_.resize(encodings_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
}

std::optional<std::size_t> TrackEncodings::place(std::uint32_t ssrc, std::string_view rid) const {
    if (!is_simulcast()) {
        return 0;
    }
    const auto found = std::ranges::find_if(encodings_, [&](const State& state) {
        return rid.empty() ? state.announced.ssrc == ssrc : state.announced.rid == rid;
    });
    return found == encodings_.end()
               ? std::nullopt
               : std::optional(static_cast<std::size_t>(found - encodings_.begin()));
}

bool TrackEncodings::on_packet(InboundStream& stream, bool key_frame_start) {
    State& state = encodings_[stream.encoding];
    if (state.stream == &stream || (state.stream != nullptr && !key_frame_start)) {
        return false;
    }
    state.stream = &stream;
    return true;
}

InboundStream* TrackEncodings::find_repaired(std::uint32_t rtx_ssrc,
                                             std::string_view repaired_rid) const {
    if (!is_simulcast()) {
        return encodings_.front().stream;
    }
    const auto found = std::ranges::find_if(encodings_, [&](const State& state) {
        return repaired_rid.empty() ? state.announced.rtx_ssrc == rtx_ssrc
                                    : state.announced.rid == repaired_rid;
    });
    return found == encodings_.end() ? nullptr : found->stream;
}

InboundStream* TrackEncodings::any() const {
    for (const State& state : encodings_) {
        if (state.stream != nullptr) {
            return state.stream;
        }
    }
    return nullptr;
}

bool TrackEncodings::is_alive(const InboundStream& stream) const {
    Instant newest = stream.receive.last_packet_at();
    for (const State& state : encodings_) {
        if (state.stream != nullptr) {
            newest = std::max(newest, state.stream->receive.last_packet_at());
        }
    }
    return newest - stream.receive.last_packet_at() <= kSilenceMax;
}

rtp::FrameSize TrackEncodings::size_by_rank(std::size_t rank) const {
    const State& state = encodings_[order_[rank]];
    if (state.stream != nullptr && state.stream->reader.size_of(0).pixels() != 0) {
        return state.stream->reader.size_of(0);
    }
    const auto announced = [](std::uint32_t pixels) {
        return static_cast<std::uint16_t>(std::min<std::uint32_t>(pixels, UINT16_MAX));
    };
    return {.width = announced(state.announced.max_width),
            .height = announced(state.announced.max_height)};
}

void TrackEncodings::update_order() {
    const auto pixels = [this](std::size_t index) -> std::uint64_t {
        const State& state = encodings_[index];
        if (state.stream != nullptr) {
            return state.stream->reader.size_of(0).pixels();
        }
        return std::uint64_t{state.announced.max_width} * state.announced.max_height;
    };
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    // Those of known size change places among themselves; the others keep theirs.
    known_.clear();
    std::ranges::copy_if(
        order_, std::back_inserter(known_), [&](std::size_t index) { return pixels(index) != 0; });
    std::ranges::sort(
        known_, {}, [&](std::size_t index) { return std::pair(pixels(index), index); });
    auto next = known_.begin();
    for (std::size_t& index : order_) {
        if (pixels(index) != 0) {
            index = *next++;
        }
    }
}

}  // namespace isthmus::media::sfu
