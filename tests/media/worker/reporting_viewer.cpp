#include "tests/media/worker/reporting_viewer.h"

#include <array>
#include <chrono>

#include <gtest/gtest.h>

#include "media/rtp/rtcp_writer.h"

namespace isthmus::media::testing {
namespace {

constexpr std::uint32_t kOwnSsrc = 0x77;

std::vector<client::ClientSection> client_sections(const std::vector<sfu::MediaSection>& sections,
                                                   const Joined& joined) {
    std::vector<client::ClientSection> made;
    for (std::size_t i = 0; i < sections.size(); ++i) {
        made.push_back({.mid = sections[i].mid,
                        .kind = sections[i].kind,
                        .receive = true,
                        .formats = sections[i].formats,
                        .extensions = sections[i].extensions,
                        .rtcp_reduced_size = sections[i].rtcp_reduced_size,
                        .congestion_feedback = sections[i].congestion_feedback,
                        .ssrc = joined.senders.at(i).ssrc,
                        .rtx_ssrc = joined.senders.at(i).rtx_ssrc,
                        .rids = {}});
    }
    return made;
}

}  // namespace

ReportingViewer::ReportingViewer(Meeting& meeting,
                                 const std::string& identity,
                                 const std::vector<sfu::MediaSection>& sections,
                                 const simulator::LinkConfig& line)
    : meeting_(meeting),
      joined_(meeting.join_connected(identity, sections, line)),
      receiver_(client_sections(sections, joined_),
                kOwnSsrc,
                identity,
                meeting.simulator().now() + std::chrono::milliseconds(500)) {}

void ReportingViewer::react() {
    for (const auto& compound : take_feedback()) {
        meeting_.send_rtcp(joined_, compound);
    }
}

void ReportingViewer::hear() {
    for (ReceivedRtp& packet : joined_.client->rtp) {
        bytes_ += packet.bytes.size();
        receiver_.handle_rtp(packet.at, packet.bytes);
    }
    joined_.client->rtp.clear();
    const Instant now = meeting_.simulator().now();
    for (const auto& compound : joined_.client->rtcp) {
        receiver_.handle_rtcp(now, compound);
    }
    joined_.client->rtcp.clear();
}

std::vector<std::vector<std::byte>> ReportingViewer::take_feedback() {
    hear();
    const Instant now = meeting_.simulator().now();
    std::vector<std::vector<std::byte>> compounds;
    receiver_.handle_timeout(now);
    std::array<std::byte, client::MediaReceiver::kRtcpBytesMax> buffer{};
    while (const std::size_t size = receiver_.write_rtcp(now, buffer)) {
        compounds.emplace_back(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
    }
    return compounds;
}

void ReportingViewer::say_remb(std::uint64_t bits_per_second) {
    std::array<std::byte, 200> buffer{};
    rtp::RtcpWriter writer(buffer);
    const std::array ssrcs = {joined_.senders[0].ssrc};
    ASSERT_TRUE(writer.remb(kOwnSsrc, bits_per_second, ssrcs));
    meeting_.send_rtcp(joined_, writer.bytes());
}

client::InboundStats ReportingViewer::stats(std::size_t stream) const {
    return receiver_.streams().at(stream).stats(meeting_.simulator().now());
}

}  // namespace isthmus::media::testing
