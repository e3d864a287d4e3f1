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

TEST(DtlsRecords, AreTakenOneByOne) {
    std::vector<std::byte> datagram(2 * kDtlsHeaderBytes + 3);
    write_dtls_header(std::span(datagram).first<kDtlsHeaderBytes>(),
                      DtlsContentType::kApplicationData,
                      1,
                      0xfedcba987654,
                      3);
    write_dtls_header(std::span(datagram).last<kDtlsHeaderBytes>(),
                      DtlsContentType::kAlert,
                      0xffff,
                      0xffffffffffff,
                      0);
    std::span<const std::byte> rest = datagram;
    const auto first = take_dtls_record(rest);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->type, DtlsContentType::kApplicationData);
    EXPECT_EQ(first->version, kDtls12);
    EXPECT_EQ(first->epoch, 1U);
    EXPECT_EQ(first->sequence, 0xfedcba987654U);
    EXPECT_EQ(first->body().size(), 3U);
    const auto second = take_dtls_record(rest);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->epoch, 0xffffU);
    EXPECT_EQ(second->sequence, 0xffffffffffffU);
    EXPECT_TRUE(second->body().empty());
    EXPECT_FALSE(take_dtls_record(rest));
}

TEST(DtlsRecords, NeverReachBeyondTheDatagram) {
    std::vector<std::byte> whole = record(1, 30);
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        std::span<const std::byte> cut = std::span(whole).first(bytes);
        EXPECT_FALSE(take_dtls_record(cut)) << bytes;
    }
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
