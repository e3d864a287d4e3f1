#include "media/sfu/egress_batch.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "media/transport/srtp_session.h"

namespace isthmus::media::sfu {
namespace {

struct Sent {
    transport::Path path;
    std::vector<std::byte> bytes;
    const std::byte* at = nullptr;
};

class KeepingSink final : public transport::DatagramSink {
  public:
    void send(std::span<const transport::OutDatagram> datagrams) override {
        ++calls;
        for (const transport::OutDatagram& one : datagrams) {
            sent.push_back({*one.path, {one.bytes.begin(), one.bytes.end()}, one.bytes.data()});
        }
    }

    std::vector<Sent> sent;
    int calls = 0;
};

class EgressBatchTest : public ::testing::Test {
  protected:
    EgressBatchTest() : key(fanout->make_key({})), batch(*fanout) {}

    static transport::Path path(std::uint16_t port) {
        return {.local = {}, .remote = {.ip = {}, .port = port}};
    }

    std::size_t commit(std::size_t payload_bytes, const EgressTraits& traits = {}) {
        std::ranges::fill(batch.header_room().first(12), std::byte{0x80});
        return batch.commit(12, {}, std::span(payload).first(payload_bytes), 0, traits);
    }

    [[nodiscard]] std::vector<std::size_t> sizes() const {
        std::vector<std::size_t> found;
        found.reserve(sink.sent.size());
        for (const Sent& one : sink.sent) {
            found.push_back(one.bytes.size() - 12 - key->tag_bytes());
        }
        return found;
    }

    std::unique_ptr<transport::SrtpFanout> fanout =
        *transport::make_srtp_fanout(transport::SrtpEngine::kOpenSsl);
    std::unique_ptr<transport::SrtpSendKey> key;
    EgressBatch batch;
    KeepingSink sink;
    std::vector<std::byte> payload = std::vector<std::byte>(2000, std::byte{1});
};

TEST_F(EgressBatchTest, SendsEverythingInOneCallToThePathsThatWereNamed) {
    batch.to(*key, path(1));
    EXPECT_TRUE(commit(100));
    EXPECT_TRUE(commit(100));
    batch.to(*key, path(2));
    EXPECT_TRUE(commit(50));
    batch.flush(sink);
    ASSERT_EQ(sink.sent.size(), 3U);
    EXPECT_EQ(sink.calls, 1);
    EXPECT_EQ(sink.sent[0].path, path(1));
    EXPECT_EQ(sink.sent[1].path, path(1));
    EXPECT_EQ(sink.sent[2].path, path(2));
    EXPECT_EQ(sink.sent[2].bytes.size(), 12 + 50 + key->tag_bytes());
    EXPECT_EQ(sink.sent[0].at + sink.sent[0].bytes.size(), sink.sent[1].at)
        << "packets of one receiver lie side by side";
}

// SPEC rfc3550#5.1
TEST_F(EgressBatchTest, PadsPacketsOfOneReceiverThatDifferByLittle) {
    batch.to(*key, path(1));
    for (const std::size_t bytes : {1000U, 1000U, 1003U, 1003U}) {
        EXPECT_TRUE(commit(bytes));
    }
    batch.to(*key, path(2));
    EXPECT_TRUE(commit(1001));
    batch.flush(sink);
    EXPECT_EQ(sizes(), (std::vector<std::size_t>{1003, 1003, 1003, 1003, 1001}));
    EXPECT_EQ(batch.counters().padding_bytes, 6U);

    transport::SrtpSession session({}, {}, *fanout);
    std::vector<std::byte> padded = sink.sent[0].bytes;
    const auto plain = session.unprotect_rtp(padded);
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->front(), std::byte{0xA0});
    EXPECT_EQ(plain->back(), std::byte{3});
    EXPECT_EQ((*plain)[plain->size() - 4], std::byte{1}) << "the payload's last byte";
    EXPECT_EQ((*plain)[plain->size() - 3], std::byte{0});
    // The fan-out's job for it does not outlive it: the header of the next one is its own.
    sink.sent.clear();
    batch.to(*key, path(1));
    EXPECT_TRUE(commit(1000));
    batch.flush(sink);
    EXPECT_EQ(sink.sent[0].bytes.front(), std::byte{0x80});
}

TEST_F(EgressBatchTest, LeavesPacketsAsTheyAreWhereThatMatters) {
    batch.to(*key, path(1));
    EXPECT_TRUE(commit(1000, {.may_pad = false}));
    EXPECT_TRUE(commit(1003));
    // Marked differently, they cannot share a message anyway.
    EXPECT_TRUE(commit(1001, {.kind = transport::TrafficKind::kAudio}));
    EXPECT_TRUE(commit(1003));
    batch.flush(sink);
    EXPECT_EQ(sizes(), (std::vector<std::size_t>{1000, 1003, 1001, 1003}));
}

TEST_F(EgressBatchTest, AReceiverWithoutPacketsLeavesNothingBehind) {
    for (std::uint16_t port = 1; port < 5000; ++port) {
        batch.to(*key, path(port));
    }
    EXPECT_TRUE(commit(1));
    batch.flush(sink);
    ASSERT_EQ(sink.sent.size(), 1U);
    EXPECT_EQ(sink.sent[0].path, path(4999));
}

TEST_F(EgressBatchTest, TheReceiverStaysAfterAFlush) {
    batch.to(*key, path(7));
    EXPECT_TRUE(commit(1));
    batch.flush(sink);
    EXPECT_TRUE(commit(1));
    batch.flush(sink);
    ASSERT_EQ(sink.sent.size(), 2U);
    EXPECT_EQ(sink.sent[1].path, path(7));
}

TEST_F(EgressBatchTest, HoldsAsManyPacketsAsItSays) {
    for (std::size_t i = 0; i < EgressBatch::kPacketsMax; ++i) {
        ASSERT_FALSE(batch.full());
        batch.to(*key, path(static_cast<std::uint16_t>(i)));
        ASSERT_TRUE(commit(1200));
    }
    EXPECT_TRUE(batch.full());
    batch.flush(sink);
    EXPECT_EQ(sink.sent.size(), EgressBatch::kPacketsMax);
    EXPECT_TRUE(batch.empty());
}

TEST_F(EgressBatchTest, RefusesWhatIsTooLongForADatagram) {
    batch.to(*key, path(1));
    EXPECT_FALSE(commit(transport::kDatagramBytesMax));
    EXPECT_EQ(batch.counters().oversized, 1U);
    batch.flush(sink);
    EXPECT_EQ(sink.calls, 0);
}

}  // namespace
}  // namespace isthmus::media::sfu
