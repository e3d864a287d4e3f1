#include "media/relay/relay_record.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/check.h"

namespace isthmus::media::relay {

static_assert(std::is_trivially_copyable_v<RelayRecord>);

void RelayRecord::set_rid(std::string_view rid) {
    rid_bytes = static_cast<std::uint8_t>(std::min(rid.size(), kRidBytesMax));
    std::copy_n(rid.begin(), rid_bytes, rid_text.begin());
}

bool write_record(SpscRing& ring, const RelayRecord& record, std::span<const std::byte> packet) {
    const auto room = ring.reserve(sizeof record + packet.size());
    if (!room) {
        return false;
    }
    std::memcpy(room->data(), &record, sizeof record);
    std::memcpy(room->data() + sizeof record, packet.data(), packet.size());
    return true;
}

ReadRecord read_record(std::span<std::byte> bytes) {
    CHECK(bytes.size() >= sizeof(RelayRecord));
    ReadRecord read{.record = {}, .packet = bytes.subspan(sizeof(RelayRecord))};
    std::memcpy(&read.record, bytes.data(), sizeof read.record);
    return read;
}

}  // namespace isthmus::media::relay
