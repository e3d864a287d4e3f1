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

void MediaSender::handle_rtcp(Instant now, std::span<const std::byte> packet, SendContext context) {
    auto reader = rtp::RtcpReader::parse(packet);
    if (!reader) {
        ++bad_;
        return;
    }
    while (const auto message = reader->next()) {
        if (const auto* nack = std::get_if<rtp::Nack>(&*message)) {
            if (OutboundStream* const stream = find(nack->media_ssrc)) {
                stream->on_nack(now, *nack, context);
            }
        } else if (const auto* loss = std::get_if<rtp::PictureLoss>(&*message)) {
            if (OutboundStream* const stream = find(loss->media_ssrc)) {
                stream->on_key_frame_request();
            }
        } else if (const auto* fir = std::get_if<rtp::FullIntraRequest>(&*message)) {
            for (const rtp::FirItem item : fir->items) {
                if (OutboundStream* const stream = find(item.ssrc)) {
                    stream->on_key_frame_request();
                }
            }
        } else if (const auto* report = std::get_if<rtp::ReceiverReport>(&*message)) {
            for (const rtp::ReportBlock block : report->blocks) {
                if (OutboundStream* const stream = find(block.ssrc)) {
                    stream->on_report_block(ntp_.to_ntp(now), block);
                }
            }
        }
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
