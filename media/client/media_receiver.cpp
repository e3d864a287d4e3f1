#include "media/client/media_receiver.h"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "base/check.h"
#include "media/client/payload_stamp.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtx.h"

namespace isthmus::media::client {

using rtp::ExtensionKind;
using rtp::HeaderExtensions;
using rtp::RtcpReader;
using rtp::RtcpWriter;
using rtp::RtpPacketView;

namespace {

[[nodiscard]] bool is_received(const ClientSection& section) {
    return section.receive && !section.formats.empty();
}

[[nodiscard]] const rtp::PayloadFormat* format_of_rtx(const ClientSection& section,
                                                      std::uint8_t payload_type) {
    const auto found =
        std::ranges::find(section.formats, payload_type, [](const rtp::PayloadFormat& format) {
            return format.rtx_payload_type.value_or(0xff);
        });
    return found == section.formats.end() ? nullptr : &*found;
}

}  // namespace

MediaReceiver::MediaReceiver(std::span<const ClientSection> sections,
                             std::uint32_t ssrc,
                             std::string cname,
                             Instant first_report)
    : sections_(sections.begin(), sections.end()),
      ssrc_(ssrc),
      cname_(std::move(cname)),
      report_at_(first_report) {
    bool feedback = false;
    for (std::size_t i = 0; i < sections_.size(); ++i) {
        const ClientSection& section = sections_[i];
        if (!is_received(section)) {
            continue;
        }
        reduced_size_ = reduced_size_ && section.rtcp_reduced_size;
        extensions_ = rtp::HeaderExtensionParser(section.extensions);
        feedback =
            feedback || (section.extensions.id_of(ExtensionKind::kTransportSequence) != 0 &&
                         std::ranges::any_of(section.formats, &rtp::PayloadFormat::transport_cc));
        if (section.congestion_feedback && !ccfb_) {
            ccfb_.emplace();
        }
        if (section.ssrc) {
            const auto place = static_cast<std::uint16_t>(i);
            const std::uint16_t stream = add_stream(place, *section.ssrc);
            if (section.rtx_ssrc) {
                routes_.push_back(
                    {.ssrc = *section.rtx_ssrc, .stream = stream, .section = place, .rtx = true});
            }
        }
    }
    if (feedback) {
        twcc_.emplace();
        ccfb_.reset();
    }
    needs_extensions_ = feedback;
}

std::uint16_t MediaReceiver::add_stream(std::uint16_t section, std::uint32_t ssrc) {
    const auto stream = static_cast<std::uint16_t>(streams_.size());
    streams_.emplace_back(sections_[section], ssrc);
    routes_.push_back({.ssrc = ssrc, .stream = stream, .section = section, .rtx = false});
    return stream;
}

std::optional<ReceivedPayload> MediaReceiver::handle_rtp(Instant now, std::span<std::byte> packet) {
    const auto view = RtpPacketView::parse(packet);
    if (!view) {
        ++counters_.bad;
        return std::nullopt;
    }
    ++counters_.packets;
    HeaderExtensions extensions;
    if (needs_extensions_) {
        extensions = extensions_.parse(*view);
    }
    tell_arrival(now, *view, extensions);
    const Route* const route = route_of(*view, extensions);
    if (route == nullptr) {
        ++counters_.unknown;
        return std::nullopt;
    }
    counters_.paddings += view->payload.empty() ? 1 : 0;
    if (route->rtx) {
        return handle_retransmission(now, *route, *view, packet);
    }
    streams_[route->stream].on_packet(now, *view);
    return view->payload.empty() ? std::nullopt : std::optional(describe(*route, *view));
}

void MediaReceiver::tell_arrival(Instant now,
                                 const RtpPacketView& packet,
                                 const HeaderExtensions& extensions) {
    if (twcc_ && extensions.transport_sequence) {
        twcc_->on_packet(now, *extensions.transport_sequence);
    }
    if (ccfb_) {
        ccfb_->on_packet(now, packet.ssrc, packet.seq);
    }
}

std::optional<ReceivedPayload> MediaReceiver::handle_retransmission(Instant now,
                                                                    const Route& route,
                                                                    const RtpPacketView& rtx,
                                                                    std::span<std::byte> packet) {
    InboundStream& stream = streams_[route.stream];
    const rtp::PayloadFormat* const format =
        format_of_rtx(sections_[route.section], rtx.payload_type);
    if (rtx.payload.empty() || format == nullptr) {
        return std::nullopt;
    }
    const auto original = rtp::restore_rtx(packet, stream.ssrc(), format->payload_type);
    const auto view = original ? RtpPacketView::parse(*original)
                               : std::expected<RtpPacketView, rtp::RtpError>(
                                     std::unexpected(rtp::RtpError::kTooShort));
    if (!view) {
        ++counters_.bad;
        return std::nullopt;
    }
    ++counters_.retransmissions;
    stream.on_repaired(now, *view);
    return describe(route, *view);
}

ReceivedPayload MediaReceiver::describe(const Route& route, const RtpPacketView& packet) const {
    return {.kind = sections_[route.section].kind,
            .bytes = packet.payload.size(),
            .sent_at = read_stamp(packet.payload)};
}

const MediaReceiver::Route* MediaReceiver::route_of(const RtpPacketView& packet,
                                                    const HeaderExtensions& extensions) {
    if (last_route_ < routes_.size() && routes_[last_route_].ssrc == packet.ssrc) {
        return &routes_[last_route_];
    }
    const auto found = std::ranges::find(routes_, packet.ssrc, &Route::ssrc);
    if (found == routes_.end()) {
        return learn_route(packet, extensions);
    }
    last_route_ = static_cast<std::size_t>(found - routes_.begin());
    return &*found;
}

// SPEC rfc9143#9.2: by the MID that a packet carries.
const MediaReceiver::Route* MediaReceiver::learn_route(const RtpPacketView& packet,
                                                       const HeaderExtensions& extensions) {
    const std::string_view mid = needs_extensions_ ? extensions.mid : extensions_.parse(packet).mid;
    const auto section = std::ranges::find_if(sections_, [mid](const ClientSection& each) {
        return is_received(each) && !mid.empty() && each.mid == mid;
    });
    if (section == sections_.end() || routes_.size() >= kStreamsMax) {
        return nullptr;
    }
    const auto place = static_cast<std::uint16_t>(section - sections_.begin());
    if (format_of_rtx(*section, packet.payload_type) == nullptr) {
        add_stream(place, packet.ssrc);
        return &routes_.back();
    }
    const auto media = std::ranges::find_if(
        routes_, [place](const Route& route) { return route.section == place && !route.rtx; });
    if (media == routes_.end()) {
        return nullptr;
    }
    routes_.push_back(
        {.ssrc = packet.ssrc, .stream = media->stream, .section = place, .rtx = true});
    return &routes_.back();
}

void MediaReceiver::handle_rtcp(Instant now, std::span<const std::byte> packet) {
    auto reader = RtcpReader::parse(packet);
    if (!reader) {
        ++counters_.bad;
        return;
    }
    while (const auto message = reader->next()) {
        if (const auto* report = std::get_if<rtp::SenderReport>(&*message)) {
            ++counters_.reports;
            const auto stream = std::ranges::find(streams_, report->ssrc, &InboundStream::ssrc);
            if (stream != streams_.end()) {
                stream->on_sender_report(now, report->info);
            }
        } else if (std::holds_alternative<rtp::Goodbye>(*message)) {
            ++counters_.goodbyes;
        }
    }
}

void MediaReceiver::on_rtt(Duration rtt) {
    for (InboundStream& stream : streams_) {
        stream.on_rtt(rtt);
    }
}

void MediaReceiver::handle_timeout(Instant now) {
    for (InboundStream& stream : streams_) {
        stream.handle_timeout(now);
    }
    if (twcc_) {
        twcc_->handle_timeout(now);
    }
    if (ccfb_) {
        ccfb_->handle_timeout(now);
    }
}

Instant MediaReceiver::next_timeout() const {
    Instant next = report_at_;
    for (const InboundStream& stream : streams_) {
        next = std::min(next, stream.next_timeout());
    }
    next = ccfb_ ? std::min(next, ccfb_->next_timeout()) : next;
    return twcc_ ? std::min(next, twcc_->next_timeout()) : next;
}

std::size_t MediaReceiver::write_rtcp(Instant now, std::span<std::byte> out) {
    CHECK(out.size() >= kRtcpBytesMax);
    const bool reports_due = now >= report_at_;
    if (!reports_due && !wishes_due(now)) {
        return 0;
    }
    RtcpWriter writer(out.first(kRtcpBytesMax));
    // SPEC rfc5506#3.4.2: without reduced size every compound begins with a report.
    if (reports_due || !reduced_size_) {
        report_at_ = now + kReportInterval;
        CHECK(write_reports(now, writer));
    }
    write_wishes(now, writer);
    return writer.size();
}

bool MediaReceiver::wishes_due(Instant now) const {
    return (twcc_ && twcc_->pending()) || (ccfb_ && ccfb_->pending()) ||
           std::ranges::any_of(streams_,
                               [now](const InboundStream& stream) { return stream.has_wish(now); });
}

bool MediaReceiver::write_reports(Instant now, RtcpWriter& writer) {
    std::array<rtp::ReportBlock, rtp::kReportBlocksMax> blocks{};
    std::size_t count = 0;
    for (InboundStream& stream : streams_) {
        if (count == blocks.size()) {
            break;
        }
        if (const auto block = stream.make_report_block(now)) {
            blocks[count++] = *block;
        }
    }
    return writer.receiver_report(ssrc_, std::span(blocks).first(count)) &&
           writer.cname(ssrc_, cname_);
}

// What does not fit stays due or, as a NACK, comes again.
void MediaReceiver::write_wishes(Instant now, RtcpWriter& writer) {
    for (InboundStream& stream : streams_) {
        if (stream.poll_key_frame_request() && !writer.pli(ssrc_, stream.ssrc())) {
            return;
        }
        while (const auto missing = stream.poll_nack()) {
            if (!writer.nack(ssrc_, stream.ssrc(), *missing)) {
                return;
            }
        }
    }
    if (twcc_ && !streams_.empty()) {
        while (twcc_->write_feedback(writer, ssrc_, streams_.front().ssrc())) {
        }
    }
    while (ccfb_ && ccfb_->write_feedback(now, writer, ssrc_)) {
    }
}

}  // namespace isthmus::media::client
