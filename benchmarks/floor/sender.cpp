#include "benchmarks/floor/sender.h"

#include <utility>

#include "base/byte_order.h"
#include "base/check.h"
#include "benchmarks/floor/receivers.h"
#include "media/client/payload_stamp.h"
#include "media/transport/io/clock.h"

namespace isthmus::floor {

using media::transport::IpAddress;
using media::transport::SrtpJob;
using media::transport::UdpBatchSocket;

namespace {

UdpBatchSocket open() {
    auto socket = UdpBatchSocket::open(
        {.bind = {.ip = IpAddress::v4({0, 0, 0, 0}), .port = 0}, .send_buffer_bytes = 4 << 20});
    CHECK(socket.has_value());
    return *std::move(socket);
}

std::unique_ptr<media::transport::SrtpFanout> make_engine() {
    auto engine = media::transport::make_srtp_fanout(media::transport::SrtpEngine::kAuto);
    CHECK(engine.has_value());
    return *std::move(engine);
}

}  // namespace

Sender::Sender(const Shape& shape,
               const std::vector<media::transport::SrtpMasterKey>& keys,
               std::uint16_t port)
    : shape_(shape),
      engine_(make_engine()),
      socket_(open()),
      payload_(shape.payload_bytes, std::byte{0x5A}),
      headers_(kBatchPackets * kHeaderBytes),
      out_(kBatchPackets * media::transport::kDatagramBytesMax) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
        keys_.push_back(engine_->make_key(keys[i]));
        // As the node answers: from the address that the receiver knows.
        paths_.push_back(
            {.local = {.ip = IpAddress::v4({127, 0, 0, 1}), .port = socket_.local_address().port},
             .remote = {.ip = receiver_address(i), .port = port},
             .link = {}});
    }
    jobs_.reserve(kBatchPackets);
    datagrams_.reserve(kBatchPackets);
}

void Sender::send_burst() {
    media::client::write_stamp(media::transport::read_clock(),
                               payload_.data() + payload_.size() - media::client::kStampBytes);
    for (std::size_t receiver = 0; receiver < keys_.size(); ++receiver) {
        for (std::size_t i = 0; i < shape_.packets; ++i) {
            add(receiver, static_cast<std::uint16_t>(index_ + i), i + 1 == shape_.packets);
        }
    }
    flush();
    index_ += shape_.packets;
}

void Sender::add(std::size_t receiver, std::uint16_t sequence, bool last) {
    if (jobs_.size() == kBatchPackets) {
        flush();
    }
    std::byte* const header = headers_.data() + jobs_.size() * kHeaderBytes;
    // An extension block, the marker, payload type 96.
    store_be32(header, 0x90600000U | (last ? 0x00800000U : 0U) | sequence);
    store_be32(header + 4, static_cast<std::uint32_t>(index_ * 375));
    store_be32(header + 8, 0x1000U + static_cast<std::uint32_t>(receiver));
    store_be32(header + 12, 0xBEDE0001U);
    store_be32(header + 16, 0x51000000U | std::uint32_t{sequence} << 8U);
    // The sequence may have wrapped within the burst.
    const std::uint64_t index =
        index_ + static_cast<std::uint16_t>(sequence - static_cast<std::uint16_t>(index_));
    const SrtpJob job{.key = keys_[receiver].get(),
                      .header = {header, kHeaderBytes},
                      .payload = payload_,
                      .out = out_.data() + out_used_,
                      .roc = static_cast<std::uint32_t>(index >> 16U)};
    datagrams_.push_back({.path = &paths_[receiver], .bytes = {job.out, job.out_bytes()}});
    out_used_ += job.out_bytes();
    jobs_.push_back(job);
}

void Sender::flush() {
    engine_->protect(jobs_);
    socket_.send(datagrams_);
    jobs_.clear();
    datagrams_.clear();
    out_used_ = 0;
}

}  // namespace isthmus::floor
