// Which records are taken: as OpenSSL takes them, of the same association, in the same order, over
// lines that lose, repeat, reorder, cut off, join, change and forge datagrams.
//
//     sender (OpenSSL) ──▶ mangle ──┬──▶ receiver (OpenSSL)
//                                   └──▶ DtlsSession with the receiver's keys
//
// Left out: records too short for a tag, which end OpenSSL 3.0.19 (dtls_records.h), and headers of
// another version: OpenSSL reads on behind such a header as if its record had no body, we skip it
// whole.
#include <algorithm>

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "base/check.h"
#include "base/random.h"
#include "media/transport/dtls_session.h"
#include "tests/media/transport/openssl_dtls_peer.h"
#include "tests/simulator/seed.h"

namespace isthmus::media::transport {
namespace {

using Bytes = std::vector<std::byte>;

class Difference {
  public:
    Difference(std::uint64_t seed, const char* cipher)
        : random_(seed),
          sender_({.role = DtlsRole::kClient, .ciphers = cipher}),
          receiver_({.role = DtlsRole::kServer, .ciphers = cipher}) {
        sender_.start();
        Bytes early;
        bool moved = true;
        while (moved) {
            moved = false;
            while (const auto datagram = sender_.poll_datagram()) {
                moved = true;
                keep_protected(*datagram, early);
                receiver_.handle_datagram(*datagram);
            }
            while (const auto datagram = receiver_.poll_datagram()) {
                moved = true;
                sender_.handle_datagram(*datagram);
            }
        }
        CHECK(sender_.connected() && receiver_.connected());
        const auto keys = derive_dtls_traffic_keys(receiver_.ssl());
        CHECK(keys);
        session_.emplace(DtlsHandover{.local = keys->server,
                                      .remote = keys->client,
                                      .next = receiver_.sent().next(),
                                      .last_flight = DtlsLastFlight{}});
        session_->take_early(early, queues_);
    }

    void run(int steps) {
        for (int i = 0; i < steps && !receiver_.failed(); ++i) {
            make();
            deliver();
            compare();
        }
    }

    [[nodiscard]] std::size_t taken() const { return taken_; }

  private:
    [[nodiscard]] std::uint32_t below(std::uint32_t end) { return random_.next_u32() % end; }

    static void keep_protected(std::span<const std::byte> datagram, Bytes& early) {
        while (const auto record = take_dtls_record(datagram)) {
            if (record->epoch == 1) {
                early.insert(early.end(), record->bytes.begin(), record->bytes.end());
            }
        }
    }

    // The sender says something; what it sent may come at any later time, or again and again.
    void make() {
        Bytes data(1 + below(below(8) == 0 ? 1100 : 40));
        random_.fill(data);
        ASSERT_TRUE(sender_.write(data));
        while (auto datagram = sender_.poll_datagram()) {
            line_.push_back(std::move(*datagram));
        }
        if (line_.size() > 150) {
            line_.erase(line_.begin());
        }
    }

    [[nodiscard]] Bytes choose() {
        const auto back = std::min<std::uint32_t>(below(4) == 0 ? below(150) : below(3),
                                                  static_cast<std::uint32_t>(line_.size()) - 1);
        return line_[line_.size() - 1 - back];
    }

    void deliver() {
        for (std::uint32_t i = below(4); i > 0; --i) {
            Bytes datagram = choose();
            const bool joins = below(6) == 0;
            if (below(3) == 0) {
                mangle(datagram, joins);
            }
            if (joins) {
                const Bytes second = choose();
                datagram.insert(datagram.end(), second.begin(), second.end());
            }
            if (below(8) == 0) {
                datagram.resize(below(static_cast<std::uint32_t>(datagram.size())));
            }
            if (!datagram.empty() && datagram.size() <= DtlsSession::kDatagramBytesMax &&
                has_plausible_records(datagram)) {
                receiver_.handle_datagram(datagram);
                session_->handle_datagram(datagram, queues_);
            }
        }
    }

    // Where another record follows, the length stays: what is read behind a wrong one is noise,
    // with noise for its version.
    void mangle(Bytes& datagram, bool joins) {
        switch (below(4)) {
            case 0: {  // a bit
                const std::size_t at = below(static_cast<std::uint32_t>(datagram.size()));
                const bool spared = at == 1 || at == 2 || (joins && (at == 11 || at == 12));
                datagram[spared ? 0 : at] ^= static_cast<std::byte>(1U << below(8));
                break;
            }
            case 1:  // another number
                store_be16(&datagram[9], static_cast<std::uint16_t>(below(300)));
                break;
            case 2:  // another epoch
                store_be16(&datagram[3], static_cast<std::uint16_t>(below(3)));
                break;
            default: {  // forged from nothing
                const std::size_t body = below(60);
                datagram.resize(kDtlsHeaderBytes + body);
                random_.fill(datagram);
                write_dtls_header(std::span(datagram).first<kDtlsHeaderBytes>(),
                                  static_cast<DtlsContentType>(20 + below(5)),
                                  static_cast<std::uint16_t>(below(3)),
                                  below(400),
                                  body);
                break;
            }
        }
    }

    void compare() {
        for (;;) {
            const auto theirs = receiver_.poll_data();
            const auto ours = queues_.received.pop();
            ASSERT_EQ(ours, theirs);
            if (!ours) {
                break;
            }
            ++taken_;
        }
        ASSERT_EQ(session_->state() == DtlsSession::State::kOpen, !receiver_.failed());
        ASSERT_EQ(queues_.outgoing.pop().has_value(), receiver_.poll_datagram().has_value());
    }

    SeededRandom random_;
    OpenSslPeer sender_;
    OpenSslPeer receiver_;
    DtlsQueues queues_;
    std::optional<DtlsSession> session_;
    std::vector<Bytes> line_;
    std::size_t taken_ = 0;
};

TEST(DtlsRecordDifference, TakesWhatOpenSslTakes) {
    std::size_t taken = 0;
    simulator::for_each_seed(20, [&taken](std::uint64_t seed) {
        Difference difference(
            seed,
            seed % 2 == 0 ? "ECDHE-ECDSA-AES128-GCM-SHA256" : "ECDHE-ECDSA-AES256-GCM-SHA384");
        difference.run(1000);
        taken += difference.taken();
    });
    EXPECT_GT(taken, 10'000U);
}

}  // namespace
}  // namespace isthmus::media::transport
