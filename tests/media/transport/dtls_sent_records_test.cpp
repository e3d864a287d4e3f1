#include "media/transport/dtls_sent_records.h"

#include <gtest/gtest.h>

#include "base/byte_order.h"

namespace isthmus::media::transport {
namespace {

void append(std::vector<std::byte>& datagram,
            std::uint16_t epoch,
            std::uint64_t sequence,
            std::uint64_t nonce) {
    std::vector<std::byte> record(kDtlsHeaderBytes + 40);
    write_dtls_header(std::span(record).first<kDtlsHeaderBytes>(),
                      DtlsContentType::kHandshake,
                      epoch,
                      sequence,
                      40);
    store_be64(&record[kDtlsHeaderBytes], nonce);
    datagram.insert(datagram.end(), record.begin(), record.end());
}

TEST(DtlsSentRecords, KnowsWhichNumbersAreFree) {
    DtlsSentRecords sent;
    EXPECT_EQ(sent.next_plain_sequence(), 0U);
    EXPECT_TRUE(sent.last_protected().empty());
    std::vector<std::byte> flight;
    append(flight, 0, 5, 1);
    append(flight, 0, 6, 2);
    append(flight, 1, 0, 77);
    sent.note(flight);
    EXPECT_EQ(sent.next_plain_sequence(), 7U);
    EXPECT_EQ(sent.next().sequence, 1U);
    EXPECT_EQ(sent.next().nonce, 78U);

    // Again, under new numbers.
    std::vector<std::byte> again;
    append(again, 0, 7, 3);
    append(again, 1, 1, ~std::uint64_t{0});
    sent.note(again);
    EXPECT_EQ(sent.next_plain_sequence(), 8U);
    EXPECT_EQ(sent.next().sequence, 2U);
    EXPECT_EQ(sent.next().nonce, 0U) << "counts around";
    EXPECT_EQ(sent.last_protected().size(), kDtlsHeaderBytes + 40);
    EXPECT_EQ(load_be64(&sent.last_protected()[kDtlsHeaderBytes]), ~std::uint64_t{0});
}

}  // namespace
}  // namespace isthmus::media::transport
