#include "media/transport/dtls_records.h"

#include <vector>

#include <gtest/gtest.h>

#include "base/byte_order.h"

namespace isthmus::media::transport {
namespace {

std::vector<std::byte> record(std::uint16_t epoch, std::size_t bytes) {
    std::vector<std::byte> made(13 + bytes);
    made[0] = std::byte{22};
    store_be16(&made[1], 0xfefd);
    store_be16(&made[3], epoch);
    store_be16(&made[11], static_cast<std::uint16_t>(bytes));
    return made;
}

TEST(DtlsRecords, ProtectedOnesHaveRoomForTheirTag) {
    for (std::size_t bytes = 0; bytes < kProtectedRecordBytesMin; ++bytes) {
        EXPECT_FALSE(has_plausible_records(record(1, bytes))) << bytes;
        EXPECT_TRUE(has_plausible_records(record(0, bytes))) << bytes;
    }
    EXPECT_TRUE(has_plausible_records(record(1, kProtectedRecordBytesMin)));
}

TEST(DtlsRecords, EveryRecordOfADatagramCounts) {
    std::vector<std::byte> datagram = record(0, 40);
    const std::vector<std::byte> second = record(1, 2);
    datagram.insert(datagram.end(), second.begin(), second.end());
    EXPECT_FALSE(has_plausible_records(datagram));
}

TEST(DtlsRecords, WhatIsCutOffIsLeftToOpenSsl) {
    std::vector<std::byte> datagram = record(1, 100);
    datagram.resize(50);
    EXPECT_TRUE(has_plausible_records(datagram));
    datagram.resize(12);
    EXPECT_TRUE(has_plausible_records(datagram));
    EXPECT_TRUE(has_plausible_records({}));
}

}  // namespace
}  // namespace isthmus::media::transport
