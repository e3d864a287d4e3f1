#include "benchmarks/floor/receivers.h"

#include <utility>

#include <poll.h>

#include "base/check.h"
#include "benchmarks/floor/on_cpu.h"
#include "media/client/payload_stamp.h"
#include "media/transport/io/clock.h"

namespace isthmus::floor {

using media::transport::InDatagram;
using media::transport::IpAddress;
using media::transport::SrtpMasterKey;
using media::transport::UdpBatchSocket;

namespace {

constexpr std::uint8_t kLoopback = 127;
constexpr std::uint8_t kReceiversNet = 1;

UdpBatchSocket open(bool gro) {
    auto socket = UdpBatchSocket::open({.bind = {.ip = IpAddress::v4({0, 0, 0, 0}), .port = 0},
                                        .receive_buffer_bytes = 64 << 20,
                                        .segmentation = gro});
    CHECK(socket.has_value());
    return *std::move(socket);
}

std::unique_ptr<media::transport::SrtpFanout> make_engine() {
    auto engine = media::transport::make_srtp_fanout(media::transport::SrtpEngine::kAuto);
    CHECK(engine.has_value());
    return *std::move(engine);
}

std::size_t receiver_of(const IpAddress& address) {
    const auto& bytes = address.bytes;  // IPv4-mapped
    return std::size_t{bytes[14]} * 256 + bytes[15] - 1;
}

}  // namespace

IpAddress receiver_address(std::size_t receiver) {
    const std::size_t host = receiver + 1;
    return IpAddress::v4({kLoopback,
                          kReceiversNet,
                          static_cast<std::uint8_t>(host / 256),
                          static_cast<std::uint8_t>(host % 256)});
}

Receivers::Receivers(const Shape& shape, const std::vector<SrtpMasterKey>& keys, int cpu)
    : engine_(make_engine()), socket_(open(shape.gro)), batch_(*engine_) {
    for (const SrtpMasterKey& key : keys) {
        sessions_.emplace_back(key, key, *engine_);
    }
    thread_ = std::thread([this, cpu] { run(cpu); });
}

Receivers::~Receivers() {
    static_cast<void>(stop());
}

std::vector<Duration> Receivers::stop() {
    stopping_ = true;
    if (thread_.joinable()) {
        thread_.join();
    }
    return std::move(latencies_);
}

void Receivers::run(int cpu) {
    stay_on(cpu);
    while (!stopping_) {
        pollfd ready{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
        if (::poll(&ready, 1, 10) > 0) {
            take(socket_.receive());
        }
    }
}

void Receivers::take(std::span<const InDatagram> datagrams) {
    incoming_.clear();
    for (const InDatagram& one : datagrams) {
        const std::size_t receiver = receiver_of(one.path->local.ip);
        if (receiver < sessions_.size()) {
            incoming_.push_back({.session = &sessions_[receiver], .packet = one.bytes});
        }
    }
    batch_.unprotect(incoming_);
    const Instant now = media::transport::read_clock();
    std::uint64_t accepted = 0;
    for (const auto& one : incoming_) {
        if (one.result) {
            ++accepted;
            note_latency(now, *one.result);
        }
    }
    accepted_ += accepted;
}

void Receivers::note_latency(Instant now, std::span<const std::byte> packet) {
    constexpr std::byte kMarker{0x80};
    if ((packet[1] & kMarker) == std::byte{0}) {
        return;
    }
    if (const auto sent = media::client::read_stamp(packet)) {
        latencies_.push_back(now - *sent);
    }
}

}  // namespace isthmus::floor
