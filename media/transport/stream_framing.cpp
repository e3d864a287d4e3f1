#include "media/transport/stream_framing.h"

#include <algorithm>

#include "base/byte_order.h"
#include "base/check.h"

namespace isthmus::media::transport {

std::span<std::byte> StreamDeframer::begin(std::span<std::byte> buffer) {
    CHECK(buffer.size() > kept_.size());
    std::ranges::copy(kept_, buffer.begin());
    buffer_ = buffer;
    unread_ = {};
    return buffer.subspan(kept_.size());
}

void StreamDeframer::received(std::size_t bytes) {
    CHECK(bytes <= buffer_.size() - kept_.size());
    unread_ = buffer_.first(kept_.size() + bytes);
}

std::expected<std::optional<std::span<std::byte>>, FramingError> StreamDeframer::next() {
    while (unread_.size() >= kFrameLengthBytes) {
        const std::size_t length = load_be16(unread_.data());
        if (length > frame_bytes_max_) {
            return std::unexpected(FramingError::kTooLong);
        }
        if (unread_.size() < kFrameLengthBytes + length) {
            break;
        }
        const std::span<std::byte> frame = unread_.subspan(kFrameLengthBytes, length);
        unread_ = unread_.subspan(kFrameLengthBytes + length);
        if (!frame.empty()) {
            return frame;
        }
    }
    return std::nullopt;
}

void StreamDeframer::end() {
    kept_.assign(unread_.begin(), unread_.end());
    if (kept_.empty()) {
        kept_.shrink_to_fit();
    }
    buffer_ = {};
    unread_ = {};
}

std::array<std::byte, kFrameLengthBytes> frame_length_field(std::size_t bytes) {
    CHECK(bytes <= kFrameBytesMax);
    std::array<std::byte, kFrameLengthBytes> field{};
    store_be16(field.data(), static_cast<std::uint16_t>(bytes));
    return field;
}

}  // namespace isthmus::media::transport
