#include "media/client/media_sender.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtcp_writer.h"

namespace isthmus::media::client {

MediaSender::MediaSender(rtp::NtpClock ntp, std::string cname, Instant first_report)
    : ntp_(ntp), cname_(std::move(cname)), report_at_(first_report) {}

std::size_t MediaSender::add_stream(OutboundStreamConfig config, RandomSource& random) {
    streams_.emplace_back(std::move(config), random);
    return streams_.size() - 1;
}

OutboundStream* MediaSender::find(std::uint32_t ssrc) {
    const auto found = std::ranges::find(streams_, ssrc, &OutboundStream::ssrc);
    return found == streams_.end() ? nullptr : &*found;
}

// What each kind of message means to us; the rest means nothing.
// A context is of references, so that none can be made without them.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
struct MediaSender::RtcpHandler {
    MediaSender& sender;
    Instant now;
    SendContext context;

    void operator()(const rtp::Nack& nack) const {
        if (OutboundStream* const stream = sender.find(nack.media_ssrc)) {
            stream->on_nack(now, nack, context);
        }
    }

    void operator()(const rtp::PictureLoss& loss) const { want_key_frame(loss.media_ssrc); }

    void operator()(const rtp::FullIntraRequest& request) const {
        for (const rtp::FirItem item : request.items) {
            want_key_frame(item.ssrc);
        }
    }

    void operator()(const rtp::ReceiverReport& report) const {
        for (const rtp::ReportBlock block : report.blocks) {
            if (OutboundStream* const stream = sender.find(block.ssrc)) {
                stream->on_report_block(sender.ntp_.to_ntp(now), block);
            }
        }
    }

    void operator()(const auto& /*other*/) const {}

    void want_key_frame(std::uint32_t ssrc) const {
        if (OutboundStream* const stream = sender.find(ssrc)) {
            stream->on_key_frame_request();
        }
    }
};

void MediaSender::handle_rtcp(Instant now, std::span<const std::byte> packet, SendContext context) {
    auto reader = rtp::RtcpReader::parse(packet);
    if (!reader) {
        ++bad_;
        return;
    }
    const RtcpHandler handler{.sender = *this, .now = now, .context = context};
    while (const auto message = reader->next()) {
        std::visit(handler, *message);
    }
}

std::size_t MediaSender::write_rtcp(Instant now, std::span<std::byte> out) {
    CHECK(out.size() >= kRtcpBytesMax);
    if (now < report_at_ || streams_.empty()) {
        return 0;
    }
    report_at_ = now + kReportInterval;
    rtp::RtcpWriter writer(out.first(kRtcpBytesMax));
    const rtp::NtpTime ntp = ntp_.to_ntp(now);
    for (const OutboundStream& stream : streams_) {
        const auto info = stream.make_sender_info(now, ntp);
        if (info && !(writer.sender_report(stream.ssrc(), *info, {}) &&
                      writer.cname(stream.ssrc(), cname_))) {
            break;
        }
    }
    return writer.size();
}

}  // namespace isthmus::media::client
