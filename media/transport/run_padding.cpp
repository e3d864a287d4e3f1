#include "media/transport/run_padding.h"

#include <algorithm>

#include "media/transport/segmentation.h"

namespace isthmus::media::transport {

namespace {

// Packets that will be one message. All but the last are padded to the longest.
class Run {
  public:
    explicit Run(std::span<RunPacket> packets) : packets_(packets) { take(packets.front()); }

    // Takes the next packet where that pays.
    [[nodiscard]] bool extend() {
        if (count_ == packets_.size() || count_ == kSegmentsMax) {
            return false;
        }
        const RunPacket& next = packets_[count_];
        const std::size_t longest = std::max<std::size_t>(longest_, next.bytes);
        const std::size_t padding_bytes = longest * count_ - bytes_;
        if (next.bytes == 0 || longest - shortest_ > RunPadding::kPaddingBytesMax ||
            shortest_rigid_ < longest ||
            padding_bytes * 100 > (bytes_ + next.bytes) * RunPadding::kPercentMax ||
            longest * count_ + next.bytes > kSegmentedBytesMax) {
            return false;
        }
        take(next);
        return true;
    }

    // Writes down the padding; returns the packets behind the run.
    [[nodiscard]] std::span<RunPacket> finish() {
        for (RunPacket& packet : packets_.first(count_ - 1)) {
            packet.padding_bytes = static_cast<std::uint8_t>(longest_ - packet.bytes);
        }
        packets_[count_ - 1].padding_bytes = 0;
        return packets_.subspan(count_);
    }

  private:
    void take(const RunPacket& packet) {
        ++count_;
        bytes_ += packet.bytes;
        longest_ = std::max<std::size_t>(longest_, packet.bytes);
        shortest_ = std::min<std::size_t>(shortest_, packet.bytes);
        if (!packet.may_pad) {
            shortest_rigid_ = std::min<std::size_t>(shortest_rigid_, packet.bytes);
        }
    }

    std::span<RunPacket> packets_;
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;
    std::size_t longest_ = 0;
    std::size_t shortest_ = SIZE_MAX;
    std::size_t shortest_rigid_ = SIZE_MAX;  // of those that may not be padded
};

}  // namespace

void RunPadding::plan(std::span<RunPacket> packets) {
    while (!packets.empty()) {
        Run run(packets);
        while (run.extend()) {
        }
        packets = run.finish();
    }
}

}  // namespace isthmus::media::transport
