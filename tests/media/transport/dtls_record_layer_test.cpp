#include "media/transport/dtls_record_layer.h"

#include <array>

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "base/random.h"

namespace isthmus::media::transport {
namespace {

using Bytes = std::vector<std::byte>;

class DtlsRecordLayerTest : public ::testing::TestWithParam<int> {
  protected:
    DtlsRecordLayerTest() {
        for (DtlsTrafficKey* key : {&a_, &b_}) {
            random_.fill(key->key);
            random_.fill(key->salt);
            key->key_bytes = static_cast<std::uint8_t>(GetParam());
        }
    }

    [[nodiscard]] Bytes seal(const Bytes& content,
                             DtlsContentType type = DtlsContentType::kApplicationData) {
        Bytes datagram;
        sender_.seal(type, content, datagram);
        return datagram;
    }

    // As the layer that receives says; nothing where it refuses.
    [[nodiscard]] std::optional<Bytes> open(std::span<const std::byte> datagram) {
        std::array<std::byte, 2048> buffer{};
        const auto record = take_dtls_record(datagram);
        const auto content = record ? receiver_.open(*record, buffer) : std::nullopt;
        return content ? std::optional(Bytes(content->begin(), content->end())) : std::nullopt;
    }

    SeededRandom random_{3};
    DtlsTrafficKey a_;
    DtlsTrafficKey b_;
    DtlsRecordLayer sender_{a_, b_, {.sequence = 0, .nonce = ~std::uint64_t{0} - 1}};
    DtlsRecordLayer receiver_{b_, a_, {}};
};

INSTANTIATE_TEST_SUITE_P(EveryKeySize, DtlsRecordLayerTest, ::testing::Values(16, 32));

TEST_P(DtlsRecordLayerTest, OpensWhatItsPeerSealed) {
    sender_ = DtlsRecordLayer(a_, b_, {.sequence = 0, .nonce = ~std::uint64_t{0} - 1});
    receiver_ = DtlsRecordLayer(b_, a_, {});
    for (std::size_t bytes = 0; bytes < 1200; bytes += 1 + bytes / 3) {
        Bytes content(bytes);
        random_.fill(content);
        const Bytes datagram = seal(content);
        EXPECT_EQ(datagram.size(), bytes + 37);
        EXPECT_EQ(open(datagram), content);
        EXPECT_EQ(open(datagram), std::nullopt) << "seen before";
    }
}

TEST_P(DtlsRecordLayerTest, RefusesAnyBitThatChanged) {
    sender_ = DtlsRecordLayer(a_, b_, {});
    receiver_ = DtlsRecordLayer(b_, a_, {});
    const Bytes content(20, std::byte{7});
    const Bytes datagram = seal(content);
    for (std::size_t bit = 0; bit < 8 * datagram.size(); ++bit) {
        Bytes changed = datagram;
        changed[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        EXPECT_EQ(open(changed), std::nullopt) << bit;
    }
    for (std::size_t bytes = 0; bytes < datagram.size(); ++bytes) {
        EXPECT_EQ(open(std::span(datagram).first(bytes)), std::nullopt) << bytes;
        if (bytes >= kDtlsHeaderBytes) {
            Bytes shorter(datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(bytes));
            store_be16(&shorter[11], static_cast<std::uint16_t>(bytes - kDtlsHeaderBytes));
            EXPECT_EQ(open(shorter), std::nullopt) << bytes;
        }
    }
    EXPECT_EQ(open(datagram), content) << "none of them was noted as seen";
}

// SPEC rfc6347#4.1.2.6
TEST_P(DtlsRecordLayerTest, RemembersSixtyFourRecords) {
    sender_ = DtlsRecordLayer(a_, b_, {});
    receiver_ = DtlsRecordLayer(b_, a_, {});
    std::vector<Bytes> sent;
    for (int i = 0; i < 100; ++i) {
        sent.push_back(seal(Bytes(1, static_cast<std::byte>(i))));
    }
    EXPECT_TRUE(open(sent[99]));
    for (std::size_t i = 0; i < 99; ++i) {
        EXPECT_EQ(open(sent[i]).has_value(), i > 99 - 64) << i;
    }
    for (const Bytes& datagram : sent) {
        EXPECT_FALSE(open(datagram));
    }
}

TEST_P(DtlsRecordLayerTest, CountsToTheEndOfItsNumbers) {
    constexpr std::uint64_t kLast = (std::uint64_t{1} << 48U) - 1;
    sender_ = DtlsRecordLayer(a_, b_, {.sequence = kLast - 1, .nonce = 0});
    receiver_ = DtlsRecordLayer(b_, a_, {});
    const Bytes content(1, std::byte{1});
    EXPECT_EQ(open(seal(content)), content);
    EXPECT_EQ(open(seal(content)), content);
    EXPECT_DEATH(static_cast<void>(seal(content)), "");
}

TEST_P(DtlsRecordLayerTest, TakesAlertsOfAnyVersion) {
    for (const auto type : {DtlsContentType::kAlert, DtlsContentType::kApplicationData}) {
        sender_ = DtlsRecordLayer(a_, b_, {});
        receiver_ = DtlsRecordLayer(b_, a_, {});
        Bytes datagram = seal(Bytes(2), type);
        store_be16(&datagram[1], 0xfdfd);
        EXPECT_FALSE(open(datagram));
        store_be16(&datagram[1], 0xfeff);
        EXPECT_EQ(open(datagram).has_value(), type == DtlsContentType::kAlert);
    }
}

}  // namespace
}  // namespace isthmus::media::transport
