// What it costs to learn what a datagram is and whose: its kind by the first bytes (RFC 7983), then
// its receiver by the path that it came on, or for a first ICE check by the user name in it. Items
// are datagrams.
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <boost/unordered/unordered_flat_map.hpp>

#include "base/random.h"
#include "media/transport/address.h"
#include "media/transport/peer_transport.h"
#include "tests/media/transport/stun_builder.h"

namespace isthmus::media::transport {
namespace {

using Bytes = std::vector<std::byte>;

// Of ten datagrams: eight of media, a report, and one of STUN or DTLS.
std::vector<Bytes> mixed_datagrams() {
    std::vector<Bytes> datagrams;
    for (std::uint8_t i = 0; i < 20; ++i) {
        const std::uint8_t payload_type = i % 10 == 8 ? 201 : 96;
        Bytes datagram(1200);
        datagram[0] = std::byte{0x80};
        datagram[1] = std::byte{payload_type};
        datagrams.push_back(std::move(datagram));
    }
    datagrams[9] = StunBuilder().bytes();
    datagrams[19][0] = std::byte{23};
    return datagrams;
}

// As of clients behind few addresses, which the hash must tell apart by their ports.
std::vector<Path> paths_of_clients(std::size_t count) {
    std::vector<Path> paths(count);
    std::uint32_t client = 0;
    for (Path& path : paths) {
        path.local = {.ip = IpAddress::v4({192, 0, 2, 1}), .port = 5004};
        path.remote.ip = IpAddress::v4({198, 51, 100, static_cast<std::uint8_t>(client % 16)});
        path.remote.port = static_cast<std::uint16_t>(20000 + client / 16);
        ++client;
    }
    return paths;
}

void classify_datagram(benchmark::State& state) {
    const std::vector<Bytes> datagrams = mixed_datagrams();
    for (auto _ : state) {
        for (const Bytes& datagram : datagrams) {
            benchmark::DoNotOptimize(classify(datagram));
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(datagrams.size()));
}

// The map that a worker keeps, with as many paths in it as it has clients; datagrams come from all
// of them in no order.
void find_by_path(benchmark::State& state) {
    const std::vector<Path> paths = paths_of_clients(static_cast<std::size_t>(state.range(0)));
    boost::unordered_flat_map<Path, std::uint64_t, PathHash> by_path;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        by_path.emplace(paths[i], i);
    }
    SeededRandom random(1);
    std::vector<Path> arriving(4096);
    for (Path& path : arriving) {
        path = paths[random.next_u32() % paths.size()];
    }
    std::size_t next = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(by_path.find(arriving[next++ % arriving.size()]));
    }
    state.SetItemsProcessed(state.iterations());
}

void find_user_name(benchmark::State& state) {
    const Bytes check =
        StunBuilder().attribute(0x0006, "oursours:theirs").integrity("password").bytes();
    for (auto _ : state) {
        benchmark::DoNotOptimize(stun_local_ufrag(check));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(classify_datagram)->Name("DemultiplexKind");
BENCHMARK(find_by_path)->Name("DemultiplexByPath")->ArgName("clients")->Arg(1)->Arg(400)->Arg(5000);
BENCHMARK(find_user_name)->Name("DemultiplexByUserName");

}  // namespace
}  // namespace isthmus::media::transport
