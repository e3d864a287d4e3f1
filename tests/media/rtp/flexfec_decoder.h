// The receiver's side of FlexFEC-03, written from the draft and knowing nothing of the writer: what
// the tests check repair packets with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace isthmus::media::rtp::testing {

struct RepairHeader {
    std::uint32_t media_ssrc = 0;
    std::vector<std::uint16_t> seqs;  // the packets that it protects
    std::size_t bytes = 0;            // where the recovery bytes begin
};

class FlexfecDecoder {
  public:
    // A whole media packet, decrypted.
    void add_media(std::span<const std::byte> packet);

    // Nothing where the header is not one of flexfec-03's for a single stream.
    [[nodiscard]] static std::optional<RepairHeader> parse(std::span<const std::byte> payload);

    // The packet that is missing of those that `payload` protects; nothing where none or more than
    // one is.
    [[nodiscard]] std::optional<std::vector<std::byte>> recover(
        std::span<const std::byte> payload) const;

  private:
    std::map<std::uint16_t, std::vector<std::byte>> media_;
};

}  // namespace isthmus::media::rtp::testing
