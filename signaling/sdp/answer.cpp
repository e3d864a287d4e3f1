#include "signaling/sdp/answer.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "base/check.h"
#include "signaling/sdp/text.h"

namespace isthmus::signaling::sdp {
namespace {

using media::rtp::ExtensionKind;
using media::rtp::PayloadFormat;
using media::sfu::Direction;
using media::sfu::LocalDescription;
using media::sfu::MediaSection;
using media::sfu::SenderDescription;
using media::transport::DtlsRole;
using media::transport::IceCandidate;
using media::transport::Protocol;

// RFC 8839 section 4.2.1: where the candidates tell the address, port 9 stands in the m= line.
constexpr std::uint16_t kDiscardPort = 9;

// RFC 8841 section 5.2; what the node takes in one message.
constexpr std::uint16_t kSctpPort = 5000;
constexpr std::uint64_t kMessageBytesMax = 65536;

[[nodiscard]] StreamDirection direction_of(Direction direction) {
    switch (direction) {
        case Direction::kInactive:
            return StreamDirection::kInactive;
        case Direction::kReceive:
            return StreamDirection::kReceiveOnly;
        case Direction::kSend:
            return StreamDirection::kSendOnly;
        case Direction::kSendReceive:
            return StreamDirection::kSendReceive;
    }
    return StreamDirection::kInactive;
}

[[nodiscard]] std::optional<StreamDirection> reverse(std::optional<StreamDirection> direction) {
    if (direction == StreamDirection::kSendOnly) {
        return StreamDirection::kReceiveOnly;
    }
    if (direction == StreamDirection::kReceiveOnly) {
        return StreamDirection::kSendOnly;
    }
    return direction;
}

// At least one format must stand in the m= line; the first offered one does (RFC 3264 section 6).
[[nodiscard]] MediaDescription make_rejected(const MediaDescription& offered) {
    MediaDescription rejected;
    rejected.media = offered.media;
    rejected.port = 0;
    rejected.protocol = offered.protocol;
    if (!offered.formats.empty()) {
        rejected.formats.push_back(offered.formats.front());
    }
    if (!offered.payload_types.empty()) {
        const PayloadType& first = offered.payload_types.front();
        rejected.payload_types.push_back(
            {.number = first.number, .map = first.map, .fmtp = {}, .feedback = {}});
    }
    rejected.mid = offered.mid;
    rejected.direction = StreamDirection::kInactive;
    return rejected;
}

// sprop-* describes a stream that the offerer sends and is not for us to repeat.
[[nodiscard]] std::string fmtp_without_sprop(std::string_view fmtp) {
    std::string kept;
    while (!fmtp.empty()) {
        std::string_view parameter = take_until(fmtp, ';');
        while (parameter.starts_with(' ')) {
            parameter.remove_prefix(1);
        }
        if (!parameter.empty() && !equal_without_case(parameter.substr(0, 6), "sprop-")) {
            kept += kept.empty() ? "" : ";";
            kept += parameter;
        }
    }
    return kept;
}

[[nodiscard]] std::vector<std::string> feedback_of(const PayloadFormat& format) {
    const std::array<std::pair<bool, std::string_view>, 5> all = {
        {{format.remb, "goog-remb"},
         {format.transport_cc, "transport-cc"},
         {format.fir, "ccm fir"},
         {format.nack, "nack"},
         {format.pli, "nack pli"}}};
    std::vector<std::string> feedback;
    for (const auto& [accepted, name] : all) {
        if (accepted) {
            feedback.emplace_back(name);
        }
    }
    return feedback;
}

void add_payload_type(const MediaDescription& offered,
                      std::uint8_t number,
                      std::string fmtp,
                      std::vector<std::string> feedback,
                      MediaDescription& answer) {
    const PayloadType* const type = offered.find_payload_type(number);
    CHECK(type != nullptr);
    answer.formats.push_back(std::to_string(number));
    answer.payload_types.push_back({.number = number,
                                    .map = type->map,
                                    .fmtp = std::move(fmtp),
                                    .feedback = std::move(feedback)});
}

// RFC 2198 section 5; where it was agreed on.
void add_red(const MediaDescription& offered,
             const PayloadFormat& format,
             MediaDescription& answer) {
    if (!format.red_payload_type) {
        return;
    }
    const std::string type = std::to_string(format.payload_type);
    add_payload_type(offered, *format.red_payload_type, type + "/" + type, {}, answer);
}

void add_formats(const MediaDescription& offered,
                 const MediaSection& section,
                 MediaDescription& answer) {
    for (const PayloadFormat& format : section.formats) {
        // A browser sends the first that is listed.
        if (format.red_first) {
            add_red(offered, format, answer);
        }
        add_payload_type(offered,
                         format.payload_type,
                         fmtp_without_sprop(format.fmtp),
                         feedback_of(format),
                         answer);
        if (!format.red_first) {
            add_red(offered, format, answer);
        }
        if (format.rtx_payload_type) {
            add_payload_type(offered,
                             *format.rtx_payload_type,
                             "apt=" + std::to_string(format.payload_type),
                             {},
                             answer);
        }
    }
    if (section.flexfec_payload_type) {
        // The feedback is about the whole transport: RTX does without, but a repair stream is a
        // media stream of its own.
        const PayloadFormat& first = section.formats.front();
        const PayloadType* const offer = offered.find_payload_type(*section.flexfec_payload_type);
        CHECK(offer != nullptr);
        add_payload_type(offered,
                         *section.flexfec_payload_type,
                         offer->fmtp,
                         feedback_of({.fmtp = {},
                                      .rtx_payload_type = {},
                                      .transport_cc = first.transport_cc,
                                      .remb = first.remb}),
                         answer);
    }
}

void add_extensions(const MediaDescription& offered,
                    const MediaSection& section,
                    MediaDescription& answer) {
    for (const ExtensionMap& map : offered.extensions) {
        const auto kind = media::rtp::extension_from_uri(map.uri);
        const bool already = std::ranges::find(answer.extensions, map.id, &ExtensionMap::id) !=
                             answer.extensions.end();
        if (kind && map.id != 0 && section.extensions.id_of(*kind) == map.id && !already) {
            answer.extensions.push_back(
                {.id = map.id, .direction = reverse(map.direction), .uri = map.uri});
        }
    }
}

void add_simulcast(const MediaSection& section, MediaDescription& answer) {
    Simulcast simulcast;
    for (const media::sfu::Encoding& encoding : section.encodings) {
        if (!encoding.rid.empty()) {
            answer.rids.push_back({.id = encoding.rid, .send = false, .restrictions = {}});
            // Not paused from our side, also where the client begins so: it says when it goes on.
            simulcast.receive.push_back({.rid = encoding.rid, .paused = false});
        }
    }
    if (!simulcast.receive.empty()) {
        answer.simulcast = std::move(simulcast);
    }
}

void add_sender(const LocalDescription& local, MediaDescription& answer) {
    const auto sender = std::ranges::find(local.senders, answer.mid, &SenderDescription::mid);
    if (sender == local.senders.end()) {
        return;
    }
    answer.msid = (sender->stream_id.empty() ? "-" : sender->stream_id) + " " + sender->track_id;
    answer.ssrcs.push_back({.ssrc = sender->ssrc, .cname = sender->cname, .msid = {}});
    if (const std::optional<std::uint32_t> rtx = sender->rtx_ssrc) {
        answer.ssrcs.push_back({.ssrc = *rtx, .cname = sender->cname, .msid = {}});
        answer.ssrc_groups.push_back({.semantics = "FID", .ssrcs = {sender->ssrc, *rtx}});
    }
    if (const std::optional<std::uint32_t> fec = sender->fec_ssrc) {
        answer.ssrcs.push_back({.ssrc = *fec, .cname = sender->cname, .msid = {}});
        answer.ssrc_groups.push_back({.semantics = "FEC-FR", .ssrcs = {sender->ssrc, *fec}});
    }
}

void add_transport(const MediaDescription& offered,
                   const LocalDescription& local,
                   DtlsRole role,
                   MediaDescription& answer) {
    answer.ice_ufrag = local.ice.ufrag;
    answer.ice_pwd = local.ice.pwd;
    // The resource takes trickled candidates, so the client may send them.
    for (const std::string_view option : {"ice2", "trickle"}) {
        if (std::ranges::find(offered.ice_options, option) != offered.ice_options.end()) {
            answer.ice_options.emplace_back(option);
        }
    }
    answer.fingerprints.push_back(local.fingerprint.to_string());
    answer.setup = role == DtlsRole::kServer ? Setup::kPassive : Setup::kActive;
    answer.rtcp_mux = true;
}

[[nodiscard]] MediaDescription make_accepted(const MediaDescription& offered,
                                             const MediaSection& section,
                                             const LocalDescription& local,
                                             DtlsRole role) {
    MediaDescription answer;
    answer.media = offered.media;
    answer.port = kDiscardPort;
    answer.protocol = offered.protocol;
    answer.mid = offered.mid;
    answer.direction = direction_of(section.direction);
    answer.rtcp_reduced_size = section.rtcp_reduced_size;
    answer.congestion_feedback = section.congestion_feedback;
    add_transport(offered, local, role, answer);
    add_formats(offered, section, answer);
    add_extensions(offered, section, answer);
    add_simulcast(section, answer);
    if (section.direction == Direction::kSend || section.direction == Direction::kSendReceive) {
        add_sender(local, answer);
    }
    return answer;
}

// RFC 8841 section 9.3.
[[nodiscard]] MediaDescription make_data(const MediaDescription& offered,
                                         const LocalDescription& local,
                                         DtlsRole role) {
    MediaDescription answer;
    answer.media = offered.media;
    answer.port = kDiscardPort;
    answer.protocol = offered.protocol;
    answer.formats = offered.formats;
    answer.mid = offered.mid;
    add_transport(offered, local, role, answer);
    answer.rtcp_mux = false;
    answer.sctp_port = kSctpPort;
    answer.message_bytes_max = kMessageBytesMax;
    return answer;
}

}  // namespace

std::string write_candidate(const IceCandidate& candidate) {
    const bool tcp = candidate.protocol == Protocol::kTcp;
    return candidate.foundation + " 1 " + (tcp ? "tcp " : "udp ") +
           std::to_string(candidate.priority) + " " + candidate.address.ip.to_string() + " " +
           std::to_string(candidate.address.port) + " typ host" + (tcp ? " tcptype passive" : "");
}

SessionDescription make_answer(const SessionDescription& offer,
                               const NegotiatedSession& negotiated,
                               const LocalDescription& local,
                               std::uint64_t session_id) {
    const media::sfu::ConnectionDescription& connection = negotiated.connection;
    CHECK(offer.media.size() == connection.sections.size());
    SessionDescription answer;
    answer.session_id = session_id;
    answer.session_version = 1;
    answer.ice_lite = true;
    answer.extmap_allow_mixed = offer.extmap_allow_mixed;
    if (!negotiated.bundle.empty()) {
        answer.bundle_groups.push_back(negotiated.bundle);
    }
    for (std::size_t i = 0; i < offer.media.size(); ++i) {
        const MediaSection& section = connection.sections[i];
        if (connection.data && i == negotiated.data_section) {
            answer.media.push_back(make_data(offer.media[i], local, connection.local_role));
            continue;
        }
        answer.media.push_back(
            section.formats.empty()
                ? make_rejected(offer.media[i])
                : make_accepted(offer.media[i], section, local, connection.local_role));
    }
    // Whoever reads only the first section of the BUNDLE must find the candidates there.
    for (MediaDescription& media : answer.media) {
        if (media.port != 0 &&
            (negotiated.bundle.empty() || media.mid == negotiated.bundle.front())) {
            std::ranges::transform(
                local.candidates, std::back_inserter(media.candidates), write_candidate);
            media.end_of_candidates = true;
            break;
        }
    }
    return answer;
}

}  // namespace isthmus::signaling::sdp
