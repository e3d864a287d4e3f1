// All receivers: a thread on another core that reads what comes, by one socket for all of their
// addresses, and authenticates every packet with the key of whom it is for.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/time.h"
#include "benchmarks/floor/shape.h"
#include "media/transport/io/udp_batch_socket.h"
#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_session.h"
#include "media/transport/srtp_unprotect_batch.h"

namespace isthmus::floor {

// 127.1.0.1 and up.
[[nodiscard]] media::transport::IpAddress receiver_address(std::size_t receiver);

class Receivers {
  public:
    // The key of receiver n is keys[n].
    Receivers(const Shape& shape,
              const std::vector<media::transport::SrtpMasterKey>& keys,
              int cpu);
    ~Receivers();
    Receivers(const Receivers&) = delete;
    Receivers& operator=(const Receivers&) = delete;

    [[nodiscard]] std::uint16_t port() const { return socket_.local_address().port; }

    [[nodiscard]] std::uint64_t accepted() const { return accepted_.load(); }

    // Ends the thread. Returns how long each burst took to each receiver, in the order of arrival.
    [[nodiscard]] std::vector<Duration> stop();

  private:
    void run(int cpu);
    void take(std::span<const media::transport::InDatagram> datagrams);
    void note_latency(Instant now, std::span<const std::byte> packet);

    std::unique_ptr<media::transport::SrtpFanout> engine_;
    media::transport::UdpBatchSocket socket_;
    std::vector<media::transport::SrtpSession> sessions_;
    media::transport::SrtpUnprotectBatch batch_;
    std::vector<media::transport::SrtpIncoming> incoming_;
    std::vector<Duration> latencies_;
    std::atomic<std::uint64_t> accepted_ = 0;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

}  // namespace isthmus::floor
