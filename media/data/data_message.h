// One message of a data channel. Its bytes are shared by all whom it is sent to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace isthmus::media::data {

struct DataMessage {
    std::uint16_t channel = 0;  // the SCTP stream
    bool binary = true;
    std::shared_ptr<const std::vector<std::byte>> bytes;
};

}  // namespace isthmus::media::data
