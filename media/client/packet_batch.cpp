#include "media/client/packet_batch.h"

#include <algorithm>

namespace isthmus::media::client {

using transport::OutDatagram;
using transport::Path;

PacketBatch::PacketBatch(transport::SrtpFanout& fanout, transport::DatagramSink& sink)
    : fanout_(fanout),
      sink_(sink),
      plain_(std::make_unique_for_overwrite<std::byte[]>(kPackets * kPacketBytesMax)),
      sealed_(std::make_unique_for_overwrite<std::byte[]>(kPackets * kPacketBytesMax)) {
    jobs_.reserve(kPackets);
    datagrams_.reserve(kPackets);
}

void PacketBatch::add_rtp(const transport::SrtpSendKey& key,
                          const Path& path,
                          std::span<const std::byte> header,
                          std::span<const std::byte> payload,
                          std::uint32_t roc) {
    if (header.size() + payload.size() + transport::kSrtpTagBytesMax > kPacketBytesMax) {
        return;
    }
    const std::size_t index = datagrams_.size();
    const std::span<std::byte> copy(plain(index), header.size() + payload.size());
    std::ranges::copy(header, copy.begin());
    std::ranges::copy(payload, copy.subspan(header.size()).begin());
    const transport::SrtpJob job{.key = &key,
                                 .header = copy.first(header.size()),
                                 .payload = copy.subspan(header.size()),
                                 .out = sealed(index),
                                 .roc = roc};
    jobs_.push_back(job);
    add_sealed(path, job.out_bytes());
}

void PacketBatch::add(const OutDatagram& datagram) {
    if (datagram.bytes.size() > kPacketBytesMax) {
        return;
    }
    std::ranges::copy(datagram.bytes, sealed(datagrams_.size()));
    add_sealed(*datagram.path, datagram.bytes.size());
}

void PacketBatch::add_sealed(const Path& path, std::size_t bytes) {
    datagrams_.push_back({.path = &path, .bytes = {sealed(datagrams_.size()), bytes}});
    ++total_;
    if (datagrams_.size() == kPackets) {
        flush();
    }
}

void PacketBatch::flush() {
    if (datagrams_.empty()) {
        return;
    }
    fanout_.protect(jobs_);
    sink_.send(datagrams_);
    jobs_.clear();
    datagrams_.clear();
}

}  // namespace isthmus::media::client
