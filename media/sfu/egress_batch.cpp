#include "media/sfu/egress_batch.h"

#include <algorithm>

#include "base/check.h"

namespace isthmus::media::sfu {

using transport::kDatagramBytesMax;

EgressBatch::EgressBatch(transport::SrtpFanout& fanout)
    : fanout_(fanout), own_(kPacketsMax * kOwnBytes), out_(kPacketsMax * kDatagramBytesMax) {
    jobs_.reserve(kPacketsMax);
    datagrams_.reserve(kPacketsMax);
    // A receiver that got nothing leaves its path behind until flush(): see to().
    paths_.reserve(kPacketsMax + 1);
}

void EgressBatch::to(const transport::SrtpSendKey& key, const transport::Path& path) {
    key_ = &key;
    // The last path is overwritten while no packet names it, so that there is never more than one
    // path per packet and one to come.
    if (paths_.empty() || (!datagrams_.empty() && datagrams_.back().path == &paths_.back())) {
        paths_.push_back(path);
    } else {
        paths_.back() = path;
    }
}

std::span<std::byte> EgressBatch::header_room() {
    DCHECK(!full());
    return std::span(own_).subspan(jobs_.size() * kOwnBytes, kHeaderBytesMax);
}

std::size_t EgressBatch::commit(std::size_t header_bytes,
                                std::span<const std::byte> prefix,
                                std::span<const std::byte> payload,
                                std::uint32_t roc) {
    DCHECK(!full());
    DCHECK(prefix.size() <= kPrefixBytesMax);
    const std::span<std::byte> own = std::span(own_).subspan(jobs_.size() * kOwnBytes, kOwnBytes);
    const std::span<std::byte> own_prefix = own.subspan(header_bytes, prefix.size());
    const transport::SrtpJob job{.key = key_,
                                 .header = own.first(header_bytes),
                                 .prefix = own_prefix,
                                 .payload = payload,
                                 .out = out_.data() + out_used_,
                                 .roc = roc};
    const std::size_t bytes = job.out_bytes();
    if (bytes > kDatagramBytesMax) {
        ++counters_.oversized;
        return 0;
    }
    std::ranges::copy(prefix, own_prefix.begin());
    jobs_.push_back(job);
    datagrams_.push_back({.path = &paths_.back(), .bytes = {job.out, bytes}});
    out_used_ += bytes;
    ++counters_.packets;
    counters_.bytes += bytes;
    return bytes;
}

void EgressBatch::flush(transport::DatagramSink& sink) {
    if (!jobs_.empty()) {
        ++counters_.batches;
        fanout_.protect(jobs_);
        sink.send(datagrams_);
    }
    jobs_.clear();
    datagrams_.clear();
    // The current receiver stays current: to() need not be called again.
    if (!paths_.empty()) {
        paths_.front() = paths_.back();
        paths_.resize(1);
    }
    out_used_ = 0;
}

}  // namespace isthmus::media::sfu
