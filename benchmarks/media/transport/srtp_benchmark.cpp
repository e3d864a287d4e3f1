// SRTP per profile, payload size and engine; time is per batch of 64, items are packets.
#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/check.h"
#include "base/random.h"
#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_session.h"
#include "media/transport/srtp_unprotect_batch.h"
#include "tests/media/transport/srtp_reference.h"

namespace isthmus::media::transport {
namespace {

constexpr std::size_t kBatch = 64;

SrtpProfile profile_of(const benchmark::State& state) {
    return kSrtpProfilesByPreference[static_cast<std::size_t>(state.range(0))];
}

void finish(benchmark::State& state) {
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
    state.SetLabel(std::string(name_of(profile_of(state))));
}

// One packet for 64 receivers out of `range(2)` in turn, each with keys of its own, behind a prefix
// of `range(3)` bytes.
void protect(benchmark::State& state, SrtpEngine engine) {
    SeededRandom random(1);
    auto fanout = make_srtp_fanout(engine);
    if (!fanout) {
        state.SkipWithError(fanout.error().message.c_str());
        return;
    }
    const auto receivers = static_cast<std::size_t>(state.range(2));
    CHECK(receivers > 0);
    const std::vector<std::byte> plain = plain_rtp(1, 1, static_cast<std::size_t>(state.range(1)));
    const auto prefix_bytes = static_cast<std::size_t>(state.range(3));
    std::vector<std::unique_ptr<SrtpSendKey>> keys;
    std::vector<std::vector<std::byte>> out(
        receivers, std::vector<std::byte>(plain.size() + kSrtpTagBytesMax));
    std::vector<SrtpJob> jobs;
    for (std::size_t i = 0; i < receivers; ++i) {
        keys.push_back((*fanout)->make_key(random_master(random, profile_of(state))));
        jobs.push_back({.key = keys.back().get(),
                        .header = std::span(plain).first(12),
                        .prefix = std::span(plain).subspan(12, prefix_bytes),
                        .payload = std::span(plain).subspan(12 + prefix_bytes),
                        .out = out[i].data(),
                        .roc = 0});
    }
    std::size_t first = 0;
    for (auto _ : state) {
        (*fanout)->protect(std::span(jobs).subspan(first, kBatch));
        first = (first + kBatch) % receivers;
    }
    finish(state);
}

// What a sender with libsrtp does; it encrypts in place, so each packet is copied first.
void protect_libsrtp(benchmark::State& state) {
    SeededRandom random(1);
    const auto receivers = static_cast<std::size_t>(state.range(2));
    CHECK(receivers > 0);
    std::vector<std::byte> plain = plain_rtp(1, 1, static_cast<std::size_t>(state.range(1)));
    std::vector<ReferenceSrtpSender> senders;
    senders.reserve(receivers);
    for (std::size_t i = 0; i < receivers; ++i) {
        senders.emplace_back(random_master(random, profile_of(state)));
    }
    std::vector<std::byte> packet(plain.size() + SRTP_MAX_TRAILER_LEN);
    std::size_t next = 0;
    for (auto _ : state) {
        for (std::size_t i = 0; i < kBatch; ++i) {
            std::memcpy(packet.data(), plain.data(), plain.size());
            benchmark::DoNotOptimize(senders[next].protect_rtp_in_place(packet, plain.size()));
            next = (next + 1) % receivers;
        }
    }
    finish(state);
}

// Fresh packets of one stream, protected while the clock stands still.
class Arrivals {
  public:
    Arrivals(const SrtpMasterKey& master, SrtpFanout& fanout, std::size_t payload_bytes)
        : fanout_(fanout),
          key_(fanout.make_key(master)),
          payload_bytes_(payload_bytes),
          packets_(kBatch, std::vector<std::byte>(12 + payload_bytes + key_->tag_bytes())) {}

    std::span<std::vector<std::byte>> next() {
        for (std::vector<std::byte>& packet : packets_) {
            const std::vector<std::byte> plain =
                plain_rtp(static_cast<std::uint16_t>(index_), 1, payload_bytes_);
            const SrtpJob job{.key = key_.get(),
                              .header = std::span(plain).first(12),
                              .payload = std::span(plain).subspan(12),
                              .out = packet.data(),
                              .roc = index_ >> 16U};
            fanout_.protect({&job, 1});
            ++index_;
        }
        return packets_;
    }

  private:
    SrtpFanout& fanout_;
    std::unique_ptr<SrtpSendKey> key_;
    std::size_t payload_bytes_;
    std::vector<std::vector<std::byte>> packets_;
    std::uint32_t index_ = 0;
};

// The clock runs while `unprotect` handles a batch of arrivals; it says whether it took all.
template <typename Unprotect>
void receive(benchmark::State& state,
             const SrtpMasterKey& master,
             SrtpFanout& fanout,
             const Unprotect& unprotect) {
    Arrivals arrivals(master, fanout, static_cast<std::size_t>(state.range(1)));
    for (auto _ : state) {
        state.PauseTiming();
        const auto packets = arrivals.next();
        state.ResumeTiming();
        if (!unprotect(packets)) {
            state.SkipWithError("refused");
            return;
        }
    }
    finish(state);
}

// `range(2)` packets at a time.
void unprotect(benchmark::State& state, SrtpEngine engine) {
    auto fanout = make_srtp_fanout(engine);
    if (!fanout) {
        state.SkipWithError(fanout.error().message.c_str());
        return;
    }
    SeededRandom random(1);
    const SrtpMasterKey master = random_master(random, profile_of(state));
    SrtpSession session(master, master, **fanout);
    SrtpUnprotectBatch batch(**fanout);
    const auto at_once = static_cast<std::size_t>(state.range(2));
    std::vector<SrtpIncoming> incoming(at_once);
    receive(state, master, **fanout, [&](std::span<std::vector<std::byte>> packets) {
        bool all = true;
        for (std::size_t i = 0; i < packets.size(); i += at_once) {
            for (std::size_t j = 0; j < at_once; ++j) {
                incoming[j] = {.session = &session, .packet = packets[i + j]};
            }
            batch.unprotect(incoming);
            all = all && std::ranges::all_of(incoming, [](const SrtpIncoming& one) {
                      return one.result.has_value();
                  });
        }
        return all;
    });
}

void unprotect_libsrtp(benchmark::State& state) {
    SeededRandom random(1);
    const SrtpMasterKey master = random_master(random, profile_of(state));
    ReferenceSrtpReceiver receiver(master);
    auto fanout = make_srtp_fanout(SrtpEngine::kAuto);
    receive(state, master, **fanout, [&](std::span<std::vector<std::byte>> packets) {
        return std::ranges::all_of(packets, [&](std::vector<std::byte>& packet) {
            return receiver.unprotect_rtp(packet).has_value();
        });
    });
}

void protect_arguments(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"profile", "bytes", "receivers", "prefix"});
    benchmark->ArgsProduct({{0, 1, 2}, {160, 1200}, {64, 1024}, {0}});
    benchmark->ArgsProduct({{0, 2}, {160, 1200}, {64}, {4}});
}

BENCHMARK_CAPTURE(protect, ipsec_mb, SrtpEngine::kIpsecMb)->Apply(protect_arguments);
BENCHMARK_CAPTURE(protect, openssl, SrtpEngine::kOpenSsl)->Apply(protect_arguments);
BENCHMARK(protect_libsrtp)
    ->ArgNames({"profile", "bytes", "receivers"})
    ->ArgsProduct({{0, 1, 2}, {160, 1200}, {64}});

void unprotect_arguments(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"profile", "bytes", "at_once"});
    benchmark->ArgsProduct({{0, 1}, {60, 160, 1200}, {1}});
    benchmark->ArgsProduct({{2}, {60, 160, 1200}, {1, 4, 8, 64}});
}

BENCHMARK_CAPTURE(unprotect, ipsec_mb, SrtpEngine::kIpsecMb)->Apply(unprotect_arguments);
BENCHMARK_CAPTURE(unprotect, openssl, SrtpEngine::kOpenSsl)->Apply(unprotect_arguments);
BENCHMARK(unprotect_libsrtp)
    ->ArgNames({"profile", "bytes"})
    ->ArgsProduct({{0, 1, 2}, {60, 160, 1200}});

}  // namespace
}  // namespace isthmus::media::transport
