#include "tools/load/answer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "signaling/sdp/payload_formats.h"
#include "signaling/sdp/session_description.h"
#include "signaling/sdp/text.h"

namespace isthmus::load {

using media::client::ClientSection;
using media::rtp::Codec;
using media::rtp::MediaKind;
using media::transport::DtlsRole;
using media::transport::Fingerprint;
using media::transport::IpAddress;
using media::transport::SocketAddress;
using signaling::sdp::MediaDescription;
using signaling::sdp::SessionDescription;
using signaling::sdp::Setup;
using signaling::sdp::StreamDirection;

namespace {

constexpr std::array kCodecs = {Codec::kOpus, Codec::kVp8, Codec::kH264, Codec::kAv1};

[[nodiscard]] std::unexpected<Error> bad(std::string message) {
    return make_error(ErrorCode::kInvalidArgument, "the node's answer " + std::move(message));
}

// RFC 8839 section 5.1: foundation, component, transport, priority, address, port, "typ" ...
// Nothing for TCP and for addresses that are names.
[[nodiscard]] std::optional<SocketAddress> read_candidate(std::string_view value) {
    const auto words = signaling::sdp::split_words(value);
    if (words.size() < 8 || !signaling::sdp::equal_without_case(words[2], "udp")) {
        return std::nullopt;
    }
    const auto ip = IpAddress::parse(words[4]);
    const auto port = signaling::sdp::parse_number<std::uint16_t>(words[5]);
    if (!ip || !port) {
        return std::nullopt;
    }
    return SocketAddress{.ip = *ip, .port = *port};
}

void read_streams(const MediaDescription& media, ClientSection& section) {
    for (const auto& group : media.ssrc_groups) {
        if (group.semantics == "FID" && group.ssrcs.size() == 2) {
            section.ssrc = group.ssrcs[0];
            section.rtx_ssrc = group.ssrcs[1];
            return;
        }
    }
    if (!media.ssrcs.empty()) {
        section.ssrc = media.ssrcs.front().ssrc;
    }
}

// Directions are the node's: what it receives, we send.
[[nodiscard]] ClientSection read_section(const MediaDescription& media) {
    ClientSection section{.mid = media.mid,
                          .kind = media.media == "audio" ? MediaKind::kAudio : MediaKind::kVideo};
    if (media.port == 0) {
        return section;
    }
    section.send = media.direction == StreamDirection::kReceiveOnly ||
                   media.direction == StreamDirection::kSendReceive;
    section.receive = media.direction == StreamDirection::kSendOnly ||
                      media.direction == StreamDirection::kSendReceive;
    section.formats = signaling::sdp::select_payload_formats(media, kCodecs);
    section.rtcp_reduced_size = media.rtcp_reduced_size;
    for (const auto& map : media.extensions) {
        const auto kind = media::rtp::extension_from_uri(map.uri);
        if (kind && map.id <= 0xff) {
            section.extensions.set(*kind, static_cast<std::uint8_t>(map.id));
        }
    }
    if (media.simulcast) {
        for (const auto& stream : media.simulcast->receive) {
            section.rids.push_back(stream.rid);
        }
    }
    read_streams(media, section);
    return section;
}

[[nodiscard]] Result<void> read_transport(const MediaDescription& media, NodeAnswer& answer) {
    if (media.ice_ufrag.empty() || media.ice_pwd.empty()) {
        return bad("has no ICE credentials");
    }
    answer.ice = {.ufrag = media.ice_ufrag, .pwd = media.ice_pwd};
    const auto fingerprint =
        media.fingerprints.empty() ? std::nullopt : Fingerprint::parse(media.fingerprints.front());
    if (!fingerprint) {
        return bad("has no DTLS fingerprint that can be used");
    }
    answer.fingerprint = *fingerprint;
    answer.role = media.setup == Setup::kActive ? DtlsRole::kServer : DtlsRole::kClient;
    return {};
}

}  // namespace

Result<NodeAnswer> read_answer(std::string_view sdp) {
    const auto parsed = signaling::sdp::parse_session_description(sdp);
    if (!parsed) {
        return std::unexpected(parsed.error());
    }
    const auto live = std::ranges::find_if(
        parsed->media, [](const MediaDescription& media) { return media.port != 0; });
    if (live == parsed->media.end()) {
        return bad("rejects every section");
    }
    NodeAnswer answer;
    if (const auto transport = read_transport(*live, answer); !transport) {
        return std::unexpected(transport.error());
    }
    for (const MediaDescription& media : parsed->media) {
        answer.sections.push_back(read_section(media));
        for (const std::string& text : media.candidates) {
            if (const auto candidate = read_candidate(text)) {
                answer.candidates.push_back(*candidate);
            }
        }
    }
    if (answer.candidates.empty()) {
        return bad("has no UDP candidate");
    }
    return answer;
}

}  // namespace isthmus::load
