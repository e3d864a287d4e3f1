#include "media/sfu/egress_batch.h"

#include <algorithm>

#include "base/check.h"

namespace isthmus::media::sfu {

using transport::kDatagramBytesMax;

namespace {

constexpr std::byte kPaddingBit{0x20};  // in a header's first byte: RFC 3550 section 5.1

}  // namespace

EgressBatch::EgressBatch(transport::SrtpFanout& fanout)
    : fanout_(fanout),
      own_(kPacketsMax * kOwnBytes),
      own_payloads_(kOwnPayloadBytes),
      out_(kPacketsMax * kDatagramBytesMax) {
    jobs_.reserve(kPacketsMax);
    datagrams_.reserve(kPacketsMax);
    run_packets_.reserve(kPacketsMax);
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

std::span<std::byte> EgressBatch::take_payload_room(std::size_t bytes) {
    DCHECK(!full() && bytes <= kDatagramBytesMax);
    const std::span<std::byte> room = std::span(own_payloads_).subspan(own_payloads_used_, bytes);
    own_payloads_used_ += bytes;
    return room;
}

std::size_t EgressBatch::commit(std::size_t header_bytes,
                                std::span<const std::byte> prefix,
                                std::span<const std::byte> payload,
                                std::uint32_t roc,
                                const EgressTraits& traits) {
    DCHECK(!full());
    DCHECK(prefix.size() <= kPrefixBytesMax);
    const std::span<std::byte> own = std::span(own_).subspan(jobs_.size() * kOwnBytes, kOwnBytes);
    const std::span<std::byte> own_prefix = own.subspan(header_bytes, prefix.size());
    const transport::SrtpJob job{.key = key_,
                                 .header = own.first(header_bytes),
                                 .prefix = own_prefix,
                                 .payload = payload,
                                 .roc = roc};
    const std::size_t bytes = job.out_bytes();
    if (bytes > kDatagramBytesMax) {
        ++counters_.oversized;
        return 0;
    }
    std::ranges::copy(prefix, own_prefix.begin());
    jobs_.push_back(job);
    datagrams_.push_back({.path = &paths_.back(), .bytes = {}, .kind = traits.kind});
    run_packets_.push_back({.bytes = static_cast<std::uint16_t>(bytes), .may_pad = traits.may_pad});
    ++counters_.packets;
    counters_.bytes += bytes;
    return bytes;
}

void EgressBatch::flush(transport::DatagramSink& sink) {
    if (!jobs_.empty()) {
        ++counters_.batches;
        plan_padding();
        lay_out();
        fanout_.protect(jobs_);
        sink.send(datagrams_);
    }
    jobs_.clear();
    datagrams_.clear();
    run_packets_.clear();
    // The current receiver stays current: to() need not be called again.
    if (!paths_.empty()) {
        paths_.front() = paths_.back();
        paths_.resize(1);
    }
    own_payloads_used_ = 0;
}

void EgressBatch::plan_padding() {
    for (std::size_t first = 0; first < datagrams_.size();) {
        const transport::OutDatagram& one = datagrams_[first];
        std::size_t end = first + 1;
        while (end < datagrams_.size() && datagrams_[end].kind == one.kind &&
               (datagrams_[end].path == one.path || *datagrams_[end].path == *one.path)) {
            ++end;
        }
        transport::RunPadding::plan(std::span(run_packets_).subspan(first, end - first));
        first = end;
    }
}

void EgressBatch::lay_out() {
    std::byte* to = out_.data();
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
        transport::SrtpJob& job = jobs_[i];
        job.padding_bytes = run_packets_[i].padding_bytes;
        if (job.padding_bytes != 0) {
            own_[i * kOwnBytes] |= kPaddingBit;
            counters_.padding_bytes += job.padding_bytes;
            counters_.bytes += job.padding_bytes;
        }
        job.out = to;
        datagrams_[i].bytes = {to, job.out_bytes()};
        to += job.out_bytes();
    }
}

}  // namespace isthmus::media::sfu
