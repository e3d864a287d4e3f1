#include "signaling/sdp/negotiate.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "signaling/sdp/encodings.h"
#include "signaling/sdp/header_extensions.h"
#include "signaling/sdp/payload_formats.h"
#include "signaling/sdp/text.h"

namespace isthmus::signaling::sdp {
namespace {

using media::rtp::ExtensionKind;
using media::rtp::MediaKind;
using media::rtp::PayloadFormat;
using media::sfu::Direction;
using media::sfu::Encoding;
using media::sfu::MediaSection;
using media::transport::DtlsRole;
using media::transport::Fingerprint;

// More than any client announces for one section: three layers with retransmission are six.
constexpr std::size_t kSsrcsMax = 64;

// Browsers take 256 KiB at once.
constexpr std::size_t kDataMessageBytesMax = 256UL * 1024;

// RFC 8829 section 5.1.2: these all mean DTLS-SRTP over whatever ICE finds.
constexpr std::array<std::string_view, 6> kDtlsSrtpProtocols = {"UDP/TLS/RTP/SAVPF",
                                                                "TCP/DTLS/RTP/SAVPF",
                                                                "UDP/TLS/RTP/SAVP",
                                                                "TCP/DTLS/RTP/SAVP",
                                                                "RTP/SAVPF",
                                                                "RTP/SAVP"};

[[nodiscard]] std::unexpected<NegotiationError> refuse(NegotiationFailure failure,
                                                       std::string sentence) {
    return std::unexpected(NegotiationError{.failure = failure, .message = std::move(sentence)});
}

[[nodiscard]] bool is_dtls_srtp(std::string_view protocol) {
    return std::ranges::find(kDtlsSrtpProtocols, protocol) != kDtlsSrtpProtocols.end();
}

[[nodiscard]] bool is_audio_or_video(const MediaDescription& media) {
    return media.media == "audio" || media.media == "video";
}

// Port 0 rejects or ends a section, unless it is bundle-only (RFC 9143 section 6).
[[nodiscard]] bool is_live(const MediaDescription& media) {
    return media.port != 0 || media.bundle_only;
}

// RFC 8841 section 4.1 and 5.
[[nodiscard]] bool is_data_channels(const MediaDescription& media) {
    return media.media == "application" &&
           (media.protocol == "UDP/DTLS/SCTP" || media.protocol == "TCP/DTLS/SCTP") &&
           !media.formats.empty() && media.formats.front() == "webrtc-datachannel";
}

[[nodiscard]] Direction direction_of(const MediaDescription& offered, Role role) {
    const bool client_sends = offered.direction == StreamDirection::kSendReceive ||
                              offered.direction == StreamDirection::kSendOnly;
    const bool client_receives = offered.direction == StreamDirection::kSendReceive ||
                                 offered.direction == StreamDirection::kReceiveOnly;
    if (role == Role::kBoth && client_sends && client_receives) {
        return Direction::kSendReceive;
    }
    if (role == Role::kPublisher || (role == Role::kBoth && client_sends)) {
        return client_sends ? Direction::kReceive : Direction::kInactive;
    }
    return client_receives ? Direction::kSend : Direction::kInactive;
}

[[nodiscard]] std::vector<PayloadFormat> in_order_of(const std::vector<media::rtp::Codec>& codecs,
                                                     const std::vector<PayloadFormat>& formats) {
    std::vector<PayloadFormat> ordered;
    for (const media::rtp::Codec codec : codecs) {
        std::ranges::copy_if(formats, std::back_inserter(ordered), [codec](const auto& format) {
            return format.codec == codec;
        });
    }
    return ordered;
}

// Everything but what depends on other sections.
[[nodiscard]] MediaSection read_section(const MediaDescription& offered,
                                        const NegotiationPolicy& policy) {
    MediaSection section;
    section.mid = offered.mid;
    section.kind = offered.media == "audio" ? MediaKind::kAudio : MediaKind::kVideo;
    if (!is_audio_or_video(offered) || !is_dtls_srtp(offered.protocol) || !is_live(offered)) {
        return section;
    }
    section.formats = select_payload_formats(offered, policy.codecs);
    if (policy.prefer_own_order) {
        section.formats = in_order_of(policy.codecs, section.formats);
    }
    section.direction = direction_of(offered, policy.role);
    // Made for viewers, not taken from publishers: those answer NACK.
    if (section.direction == Direction::kSend && !section.formats.empty()) {
        section.flexfec_payload_type = find_flexfec(offered);
    }
    section.rtcp_reduced_size = offered.rtcp_reduced_size;
    return section;
}

void read_ssrcs(const MediaDescription& offered, MediaSection& section) {
    const auto add = [&section](std::uint32_t ssrc) {
        if (section.ssrcs.size() < kSsrcsMax &&
            std::ranges::find(section.ssrcs, ssrc) == section.ssrcs.end()) {
            section.ssrcs.push_back(ssrc);
        }
    };
    for (const SsrcGroup& group : offered.ssrc_groups) {
        if (group.semantics == "FID" || group.semantics == "SIM") {
            std::ranges::for_each(group.ssrcs, add);
        }
    }
    for (const SsrcAttributes& ssrc : offered.ssrcs) {
        add(ssrc.ssrc);
        if (section.cname.empty()) {
            section.cname = ssrc.cname;
        }
    }
}

void read_encodings(const MediaDescription& offered,
                    const NegotiationPolicy& policy,
                    MediaSection& section) {
    if (section.kind != MediaKind::kVideo) {
        return;
    }
    if (policy.accept_simulcast) {
        section.encodings = read_rid_encodings(offered, section.formats, policy.encodings_max);
    }
    if (section.encodings.empty()) {
        section.encodings = read_ssrc_encodings(offered, policy.encodings_max);
    }
}

// What the client says of the streams that it sends.
void read_streams(const MediaDescription& offered,
                  const NegotiationPolicy& policy,
                  MediaSection& section) {
    if (section.direction != Direction::kReceive && section.direction != Direction::kSendReceive) {
        return;
    }
    read_ssrcs(offered, section);
    read_encodings(offered, policy, section);
    std::string_view msid = offered.msid;
    for (const SsrcAttributes& ssrc : offered.ssrcs) {
        msid = msid.empty() ? std::string_view(ssrc.msid) : msid;
    }
    section.stream_id = take_until(msid, ' ');
    section.track_id = take_until(msid, ' ');
    // SPEC rfc4796#5: presentation slides; browsers say nothing of it.
    const std::vector<std::string_view> contents = split_words(offered.content, ',');
    if (std::ranges::find(contents, "slides") != contents.end()) {
        section.source = media::sfu::TrackSource::kScreenShare;
    }
}

void read_extensions(const MediaDescription& offered,
                     const NegotiationPolicy& policy,
                     ExtensionSelection& selection,
                     MediaSection& section) {
    section.extensions = selection.select(offered, section.direction);
    const bool by_rid = std::ranges::any_of(
        section.encodings, [](const Encoding& encoding) { return !encoding.rid.empty(); });
    // Chromium 156 offers in sections to come only what earlier ones were answered with, and
    // without these it cannot make several encodings.
    if (!by_rid && policy.role != Role::kBoth) {
        section.extensions.set(ExtensionKind::kRid, 0);
        section.extensions.set(ExtensionKind::kRepairedRid, 0);
    }
    // The feedback is about the extension's numbers and means nothing without them.
    if (section.extensions.id_of(ExtensionKind::kTransportSequence) == 0) {
        for (auto& format : section.formats) {
            format.transport_cc = false;
        }
    }
}

class Negotiation {
  public:
    Negotiation(const SessionDescription& offer, const NegotiationPolicy& policy)
        : offer_(offer), policy_(policy) {}

    [[nodiscard]] std::expected<NegotiatedSession, NegotiationError> run() {
        read_sections();
        using Step = std::expected<void, NegotiationError> (Negotiation::*)();
        for (const Step step : {&Negotiation::check_contents,
                                &Negotiation::choose_bundle,
                                &Negotiation::choose_transport,
                                &Negotiation::check_rtcp_mux,
                                &Negotiation::read_fingerprint,
                                &Negotiation::read_setup}) {
            if (auto good = (this->*step)(); !good) {
                return std::unexpected(std::move(good.error()));
            }
        }
        finish_sections();
        return std::move(result_);
    }

  private:
    [[nodiscard]] std::vector<MediaSection>& sections() { return result_.connection.sections; }

    [[nodiscard]] bool is_accepted(std::size_t index) {
        return !sections()[index].formats.empty() || is_data(index);
    }

    [[nodiscard]] bool is_data(std::size_t index) const {
        return result_.connection.data && index == result_.data_section;
    }

    [[nodiscard]] std::size_t count_accepted() {
        std::size_t accepted = 0;
        for (std::size_t i = 0; i < sections().size(); ++i) {
            accepted += is_accepted(i) ? 1 : 0;
        }
        return accepted;
    }

    // What a client takes at once is bounded by what it says, and by what it says nothing of:
    // RFC 8841 section 6 has 64 KiB then.
    void read_data(const MediaDescription& media) {
        if (!policy_.accept_data || result_.connection.data || !is_data_channels(media) ||
            !is_live(media)) {
            return;
        }
        media::sfu::DataDescription data;
        data.remote_port = media.sctp_port.value_or(data.remote_port);
        const std::uint64_t most = media.message_bytes_max.value_or(data.remote_message_bytes_max);
        data.remote_message_bytes_max =
            most == 0 ? kDataMessageBytesMax : std::min<std::uint64_t>(most, kDataMessageBytesMax);
        result_.connection.data = std::move(data);
        result_.data_section = sections().size();
    }

    void read_sections() {
        std::size_t accepted = 0;
        for (const MediaDescription& media : offer_.media) {
            MediaSection section = read_section(media, policy_);
            if (!section.formats.empty() && ++accepted > policy_.sections_max) {
                section.formats.clear();
            }
            read_data(media);
            sections().push_back(std::move(section));
        }
    }

    [[nodiscard]] std::expected<void, NegotiationError> check_contents() {
        if (offer_.ice_lite) {
            return refuse(NegotiationFailure::kNotUsable,
                          "the offer is ICE-lite, as this node is; one side must be a full agent");
        }
        if (result_.connection.data) {
            return {};
        }
        if (std::ranges::none_of(offer_.media, is_audio_or_video)) {
            return refuse(NegotiationFailure::kNotUsable,
                          "the offer has neither an audio nor a video section");
        }
        if (std::ranges::none_of(sections(),
                                 [](const MediaSection& s) { return !s.formats.empty(); })) {
            return refuse(NegotiationFailure::kNotUsable,
                          "no section of the offer can be used: wanted is audio or video over "
                          "DTLS-SRTP (UDP/TLS/RTP/SAVPF) with a port and with one of the codecs " +
                              codec_names());
        }
        if (policy_.role != Role::kBoth &&
            std::ranges::none_of(sections(), [](const MediaSection& s) {
                return !s.formats.empty() && s.direction != Direction::kInactive;
            })) {
            return refuse(NegotiationFailure::kNotUsable,
                          policy_.role == Role::kPublisher
                              ? "the offer sends nothing: a publisher offers a=sendonly"
                              : "the offer receives nothing: a viewer offers a=recvonly");
        }
        return {};
    }

    [[nodiscard]] std::string codec_names() const {
        std::string names;
        for (const media::rtp::Codec codec : policy_.codecs) {
            names += names.empty() ? "" : ", ";
            names += media::rtp::name_of(codec);
        }
        return names;
    }

    [[nodiscard]] bool has_accepted(const std::vector<std::string>& mids) {
        for (std::size_t i = 0; i < sections().size(); ++i) {
            if (is_accepted(i) && std::ranges::find(mids, sections()[i].mid) != mids.end()) {
                return true;
            }
        }
        return false;
    }

    // The first group with an accepted section counts; sections outside it are rejected.
    [[nodiscard]] std::expected<void, NegotiationError> choose_bundle() {
        const auto group = std::ranges::find_if(
            offer_.bundle_groups, [this](const auto& mids) { return has_accepted(mids); });
        if (group != offer_.bundle_groups.end()) {
            group_ = &*group;
            reject_sections_outside_group();
        } else if (count_accepted() > 1) {
            return refuse(NegotiationFailure::kNotUsable,
                          "the offer has several media sections and does not bundle them: all "
                          "media must be in one a=group:BUNDLE");
        }
        return {};
    }

    void reject_sections_outside_group() {
        for (MediaSection& section : sections()) {
            if (std::ranges::find(*group_, section.mid) == group_->end()) {
                section.formats.clear();
            }
        }
        if (result_.connection.data && std::ranges::find(*group_, data_mid()) == group_->end()) {
            result_.connection.data.reset();
        }
        for (const std::string& mid : *group_) {
            if (is_accepted(index_of(mid))) {
                result_.bundle.push_back(mid);
            }
        }
    }

    [[nodiscard]] const std::string& data_mid() { return sections()[result_.data_section].mid; }

    // `mid` comes from a group; the parser checks what a group names.
    [[nodiscard]] std::size_t index_of(const std::string& mid) {
        const auto found = std::ranges::find(sections(), mid, &MediaSection::mid);
        CHECK(found != sections().end());
        return static_cast<std::size_t>(found - sections().begin());
    }

    // Sections that may describe the transport, best first: accepted ones in the order of the
    // BUNDLE, then rejected ones, because bundle-only sections may say nothing of it (RFC 9143
    // section 7.1.3).
    [[nodiscard]] std::vector<std::size_t> transport_order() {
        std::vector<std::size_t> order;
        if (group_ == nullptr) {
            for (std::size_t i = 0; i < sections().size(); ++i) {
                order.push_back(i);
            }
            std::erase_if(order, [this](std::size_t i) { return !is_accepted(i); });
            return order;
        }
        for (const std::string& mid : *group_) {
            order.push_back(index_of(mid));
        }
        std::vector<std::size_t> rejected = order;
        std::erase_if(order, [this](std::size_t i) { return !is_accepted(i); });
        std::erase_if(rejected, [this](std::size_t i) { return is_accepted(i); });
        order.insert(order.end(), rejected.begin(), rejected.end());
        return order;
    }

    [[nodiscard]] std::expected<void, NegotiationError> choose_transport() {
        for (const std::size_t index : transport_order()) {
            const MediaDescription& media = offer_.media[index];
            if (!media.ice_ufrag.empty() && !media.ice_pwd.empty()) {
                transport_ = &media;
                result_.connection.remote_ice = {.ufrag = media.ice_ufrag, .pwd = media.ice_pwd};
                return {};
            }
        }
        return refuse(NegotiationFailure::kMalformed,
                      "the offer has no ICE credentials (a=ice-ufrag and a=ice-pwd)");
    }

    [[nodiscard]] std::expected<void, NegotiationError> check_rtcp_mux() {
        for (std::size_t i = 0; i < sections().size(); ++i) {
            // In a BUNDLE it is said where the transport is described.
            const bool muxed =
                offer_.media[i].rtcp_mux || (group_ != nullptr && transport_->rtcp_mux);
            // SCTP has no RTCP.
            if (is_accepted(i) && !is_data(i) && !muxed) {
                return refuse(NegotiationFailure::kNotUsable,
                              "media section " + std::to_string(i) +
                                  " lacks a=rtcp-mux: RTP and RTCP must share one port");
            }
        }
        return {};
    }

    [[nodiscard]] std::expected<void, NegotiationError> read_fingerprint() {
        if (transport_->fingerprints.empty()) {
            return refuse(NegotiationFailure::kMalformed,
                          "the offer has no DTLS fingerprint (a=fingerprint)");
        }
        for (const std::string& text : transport_->fingerprints) {
            if (const std::optional<Fingerprint> fingerprint = Fingerprint::parse(text)) {
                result_.connection.remote_fingerprint = *fingerprint;
                return {};
            }
        }
        return refuse(NegotiationFailure::kNotUsable,
                      "the offer's DTLS fingerprint cannot be used, it must be a whole sha-256, "
                      "sha-384 or sha-512: " +
                          quote(transport_->fingerprints.front()));
    }

    // RFC 8842 section 5.3: a client that leaves us the choice opens the handshake itself, which
    // saves a round trip.
    [[nodiscard]] std::expected<void, NegotiationError> read_setup() {
        const Setup setup = transport_->setup.value_or(Setup::kActivePassive);
        if (setup == Setup::kHoldConnection) {
            return refuse(NegotiationFailure::kNotUsable,
                          "the offer has a=setup:holdconn, there is no connection to hold");
        }
        result_.connection.local_role =
            setup == Setup::kPassive ? DtlsRole::kClient : DtlsRole::kServer;
        return {};
    }

    void finish_sections() {
        ExtensionSelection selection(policy_.extensions);
        for (std::size_t i = 0; i < sections().size(); ++i) {
            if (!sections()[i].formats.empty()) {
                read_streams(offer_.media[i], policy_, sections()[i]);
                read_extensions(offer_.media[i], policy_, selection, sections()[i]);
            } else {
                sections()[i].direction = Direction::kInactive;
            }
        }
        choose_feedback();
    }

    // What we send is measured in one way. Of two that are offered transport-wide feedback takes
    // less memory and less work for each packet.
    void choose_feedback() {
        const auto has_transport_feedback = [](const MediaSection& section) {
            return std::ranges::any_of(section.formats, &PayloadFormat::transport_cc);
        };
        if (std::ranges::any_of(sections(), has_transport_feedback)) {
            return;
        }
        for (std::size_t i = 0; i < sections().size(); ++i) {
            sections()[i].congestion_feedback =
                offer_.media[i].congestion_feedback && sections()[i].direction == Direction::kSend;
        }
    }

    const SessionDescription& offer_;
    const NegotiationPolicy& policy_;
    const std::vector<std::string>* group_ = nullptr;  // the offer's BUNDLE group that counts
    const MediaDescription* transport_ = nullptr;      // the section that describes the transport
    NegotiatedSession result_;
};

}  // namespace

std::expected<NegotiatedSession, NegotiationError> negotiate(const SessionDescription& offer,
                                                             const NegotiationPolicy& policy) {
    return Negotiation(offer, policy).run();
}

}  // namespace isthmus::signaling::sdp
