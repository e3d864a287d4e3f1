#include <array>
#include <iterator>
#include <ranges>
#include <set>
#include <utility>

#include "signaling/sdp/raw_session.h"
#include "signaling/sdp/session_description.h"
#include "signaling/sdp/text.h"

namespace isthmus::signaling::sdp {
namespace {

constexpr std::array<std::pair<std::string_view, Setup>, 4> kSetups{
    {{"active", Setup::kActive},
     {"passive", Setup::kPassive},
     {"actpass", Setup::kActivePassive},
     {"holdconn", Setup::kHoldConnection}}};

// A section under construction.
struct Draft {
    MediaDescription media;
    std::optional<StreamDirection> direction;
    std::vector<std::string> feedback_for_all;  // a=rtcp-fb:*
    bool well_formed = true;                    // of the attribute that was read last
};

[[nodiscard]] PayloadType* find_type(MediaDescription& media, std::string_view number) {
    const std::optional<std::uint8_t> wanted = parse_number<std::uint8_t>(number);
    for (PayloadType& type : media.payload_types) {
        if (wanted && type.number == *wanted) {
            return &type;
        }
    }
    return nullptr;
}

[[nodiscard]] std::optional<StreamDirection> direction_of(std::string_view name) {
    if (name == "sendrecv") {
        return StreamDirection::kSendReceive;
    }
    if (name == "sendonly") {
        return StreamDirection::kSendOnly;
    }
    if (name == "recvonly") {
        return StreamDirection::kReceiveOnly;
    }
    if (name == "inactive") {
        return StreamDirection::kInactive;
    }
    return std::nullopt;
}

// "111 opus/48000/2". RFC 8866 section 6.6.
void read_rtpmap(Draft& draft, std::string_view value) {
    const std::string_view number = take_until(value, ' ');
    const std::string_view encoding = take_until(value, '/');
    const std::string_view clock = take_until(value, '/');
    const std::optional<std::uint32_t> clock_hz = parse_number<std::uint32_t>(clock);
    const std::optional<std::uint8_t> channels =
        value.empty() ? std::uint8_t{1} : parse_number<std::uint8_t>(value);
    draft.well_formed =
        parse_number<std::uint8_t>(number) && is_token(encoding) && clock_hz && channels;
    PayloadType* const type = find_type(draft.media, number);
    if (draft.well_formed && type != nullptr && !type->map) {
        type->map =
            RtpMap{.encoding = std::string(encoding), .clock_hz = *clock_hz, .channels = *channels};
    }
}

void read_fmtp(Draft& draft, std::string_view value) {
    const std::string_view number = take_until(value, ' ');
    draft.well_formed = parse_number<std::uint8_t>(number).has_value();
    PayloadType* const type = find_type(draft.media, number);
    if (type != nullptr && type->fmtp.empty()) {
        type->fmtp = value;
    }
}

// "96 nack pli" or "* nack". RFC 4585 section 4.2. Congestion control feedback is about the whole
// section, or is ignored (RFC 8888 section 6).
void read_feedback(Draft& draft, std::string_view value) {
    const std::string_view number = take_until(value, ' ');
    if (split_words(value) == std::vector<std::string_view>{"ack", "ccfb"}) {
        draft.media.congestion_feedback = draft.media.congestion_feedback || number == "*";
    } else if (number == "*") {
        draft.feedback_for_all.emplace_back(value);
    } else if (PayloadType* const type = find_type(draft.media, number)) {
        type->feedback.emplace_back(value);
    }
}

// "3/recvonly URI attributes". RFC 8285 section 8.
void read_extmap(Draft& draft, std::string_view value) {
    std::string_view direction = take_until(value, ' ');
    const std::string_view id = take_until(direction, '/');
    ExtensionMap map{.id = parse_number<std::uint16_t>(id).value_or(0),
                     .direction = direction_of(direction),
                     .uri = std::string(take_until(value, ' '))};
    draft.well_formed =
        map.id != 0 && !map.uri.empty() && (direction.empty() || map.direction.has_value());
    if (draft.well_formed) {
        draft.media.extensions.push_back(std::move(map));
    }
}

// "3735928559 cname:x". RFC 5576 section 4.1.
void read_ssrc(Draft& draft, std::string_view value) {
    const std::optional<std::uint32_t> ssrc = parse_number<std::uint32_t>(take_until(value, ' '));
    if (!ssrc) {
        return;
    }
    auto& all = draft.media.ssrcs;
    auto found = std::ranges::find(all, *ssrc, &SsrcAttributes::ssrc);
    if (found == all.end()) {
        found = all.insert(all.end(), SsrcAttributes{.ssrc = *ssrc, .cname = {}, .msid = {}});
    }
    const std::string_view name = take_until(value, ':');
    if (name == "cname") {
        found->cname = value;
    } else if (name == "msid") {
        found->msid = value;
    }
}

void read_ssrc_group(Draft& draft, std::string_view value) {
    SsrcGroup group{.semantics = std::string(take_until(value, ' ')), .ssrcs = {}};
    for (const std::string_view word : split_words(value)) {
        const std::optional<std::uint32_t> ssrc = parse_number<std::uint32_t>(word);
        if (!ssrc) {
            return;
        }
        group.ssrcs.push_back(*ssrc);
    }
    if (!group.ssrcs.empty() && is_token(group.semantics)) {
        draft.media.ssrc_groups.push_back(std::move(group));
    }
}

// RFC 8852 section 3.3 (RtpStreamId) and the one-byte header's 16 bytes (RFC 8285 section 4.2).
[[nodiscard]] bool is_rid(std::string_view text) {
    return !text.empty() && text.size() <= 16 && std::ranges::all_of(text, [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '_';
    });
}

// "h send pt=96;max-width=640".
void read_rid(Draft& draft, std::string_view value) {
    const std::string_view id = take_until(value, ' ');
    const std::string_view direction = take_until(value, ' ');
    if (is_rid(id) && (direction == "send" || direction == "recv")) {
        draft.media.rids.push_back({.id = std::string(id),
                                    .send = direction == "send",
                                    .restrictions = std::string(value)});
    }
}

// "1,~4;2": of each stream the first alternative.
[[nodiscard]] std::vector<SimulcastStream> read_simulcast_list(std::string_view list) {
    std::vector<SimulcastStream> streams;
    for (std::string_view stream : split_words(list, ';')) {
        std::string_view id = take_until(stream, ',');
        const bool paused = id.starts_with('~');
        id.remove_prefix(paused ? 1 : 0);
        if (is_rid(id)) {
            streams.push_back({.rid = std::string(id), .paused = paused});
        }
    }
    return streams;
}

// "send q;h;f recv a". RFC 8853 section 5.1.
void read_simulcast(Draft& draft, std::string_view value) {
    Simulcast simulcast;
    while (!value.empty()) {
        const std::string_view direction = take_until(value, ' ');
        const std::string_view list = take_until(value, ' ');
        if (direction == "send") {
            simulcast.send = read_simulcast_list(list);
        } else if (direction == "recv") {
            simulcast.receive = read_simulcast_list(list);
        }
    }
    if (!simulcast.send.empty() || !simulcast.receive.empty()) {
        draft.media.simulcast = std::move(simulcast);
    }
}

// "sha-256 AB:CD". RFC 8122 section 5: the name in any case, the digits in upper case; we take
// both.
void read_fingerprint(Draft& draft, std::string_view value) {
    const std::vector<std::string_view> words = split_words(value);
    draft.well_formed = words.size() == 2;
    if (draft.well_formed) {
        std::string fingerprint;
        std::ranges::transform(words[0], std::back_inserter(fingerprint), to_lower);
        fingerprint += ' ';
        std::ranges::transform(words[1], std::back_inserter(fingerprint), [](char c) {
            return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        });
        draft.media.fingerprints.push_back(std::move(fingerprint));
    }
}

void read_setup(Draft& draft, std::string_view value) {
    draft.well_formed = false;
    for (const auto& [name, setup] : kSetups) {
        if (name == value) {
            draft.media.setup = setup;
            draft.well_formed = true;
        }
    }
}

void read_mid(Draft& draft, std::string_view value) {
    draft.well_formed = is_token(value);
    draft.media.mid = value;
}

void read_ufrag(Draft& draft, std::string_view value) {
    draft.well_formed = is_ice_ufrag(value);
    draft.media.ice_ufrag = value;
}

void read_pwd(Draft& draft, std::string_view value) {
    draft.well_formed = is_ice_pwd(value);
    draft.media.ice_pwd = value;
}

void read_ice_options(Draft& draft, std::string_view value) {
    for (const std::string_view word : split_words(value)) {
        draft.media.ice_options.emplace_back(word);
    }
}

void read_msid(Draft& draft, std::string_view value) {
    if (draft.media.msid.empty()) {
        draft.media.msid = value;
    }
}

void read_sctp_port(Draft& draft, std::string_view value) {
    draft.media.sctp_port = parse_number<std::uint16_t>(value);
    draft.well_formed = draft.media.sctp_port.has_value();
}

void read_message_size(Draft& draft, std::string_view value) {
    draft.media.message_bytes_max = parse_number<std::uint64_t>(value);
    draft.well_formed = draft.media.message_bytes_max.has_value();
}

void read_content(Draft& draft, std::string_view value) {
    if (draft.media.content.empty()) {
        draft.media.content = value;
    }
}

struct Reader {
    std::string_view name;
    void (*read)(Draft& draft, std::string_view value);
};

constexpr std::array kReaders = {
    Reader{"rtpmap", read_rtpmap},
    Reader{"fmtp", read_fmtp},
    Reader{"rtcp-fb", read_feedback},
    Reader{"extmap", read_extmap},
    Reader{"ssrc", read_ssrc},
    Reader{"ssrc-group", read_ssrc_group},
    Reader{"rid", read_rid},
    Reader{"simulcast", read_simulcast},
    Reader{"fingerprint", read_fingerprint},
    Reader{"setup", read_setup},
    Reader{"mid", read_mid},
    Reader{"ice-ufrag", read_ufrag},
    Reader{"ice-pwd", read_pwd},
    Reader{"ice-options", read_ice_options},
    Reader{"msid", read_msid},
    Reader{"sctp-port", read_sctp_port},
    Reader{"max-message-size", read_message_size},
    Reader{"content", read_content},
    Reader{
        "candidate",
        [](Draft& draft, std::string_view value) { draft.media.candidates.emplace_back(value); }},
    Reader{"end-of-candidates",
           [](Draft& draft, std::string_view) { draft.media.end_of_candidates = true; }},
    Reader{"bundle-only", [](Draft& draft, std::string_view) { draft.media.bundle_only = true; }},
    Reader{"rtcp-mux", [](Draft& draft, std::string_view) { draft.media.rtcp_mux = true; }},
    Reader{"rtcp-rsize",
           [](Draft& draft, std::string_view) { draft.media.rtcp_reduced_size = true; }},
};

// `where` names the section, for the sentence.
[[nodiscard]] Result<void> read_attribute(Draft& draft,
                                          const RawAttribute& attribute,
                                          const std::string& where) {
    if (const auto direction = direction_of(attribute.name)) {
        draft.direction = direction;
        return {};
    }
    const auto* const reader = std::ranges::find(kReaders, attribute.name, &Reader::name);
    if (reader == kReaders.end()) {
        return {};
    }
    draft.well_formed = true;
    reader->read(draft, attribute.value);
    if (!draft.well_formed) {
        return make_error(
            ErrorCode::kInvalidArgument,
            "malformed a=" + attribute.name + " in " + where + ": " + quote(attribute.value));
    }
    return {};
}

[[nodiscard]] Result<void> read_formats(MediaDescription& media, const std::string& where) {
    if (media.protocol.find("RTP/") == std::string::npos) {
        return {};
    }
    for (const std::string& format : media.formats) {
        const std::optional<std::uint8_t> number = parse_number<std::uint8_t>(format);
        if (!number || *number > 127) {
            return make_error(ErrorCode::kInvalidArgument,
                              "the m= line of " + where + " has the payload type " + quote(format) +
                                  ", which is not a number from 0 to 127");
        }
        if (media.find_payload_type(*number) == nullptr) {
            media.payload_types.push_back(
                {.number = *number, .map = {}, .fmtp = {}, .feedback = {}});
        }
    }
    return {};
}

// RFC 3551 section 6: these two need no a=rtpmap.
void add_static_maps(MediaDescription& media) {
    for (PayloadType& type : media.payload_types) {
        if (!type.map && (type.number == 0 || type.number == 8)) {
            type.map = RtpMap{
                .encoding = type.number == 0 ? "PCMU" : "PCMA", .clock_hz = 8000, .channels = 1};
        }
    }
}

// Attributes of the session hold for a section that says nothing of its own.
void inherit(Draft& draft, const Draft& session) {
    MediaDescription& media = draft.media;
    if (media.ice_ufrag.empty() && media.ice_pwd.empty()) {
        media.ice_ufrag = session.media.ice_ufrag;
        media.ice_pwd = session.media.ice_pwd;
    }
    if (media.fingerprints.empty()) {
        media.fingerprints = session.media.fingerprints;
    }
    if (!media.setup) {
        media.setup = session.media.setup;
    }
    if (media.ice_options.empty()) {
        media.ice_options = session.media.ice_options;
    }
    for (const ExtensionMap& map : session.media.extensions) {
        if (std::ranges::find(media.extensions, map.uri, &ExtensionMap::uri) ==
            media.extensions.end()) {
            media.extensions.push_back(map);
        }
    }
    media.direction =
        draft.direction.value_or(session.direction.value_or(StreamDirection::kSendReceive));
}

[[nodiscard]] Result<MediaDescription> read_media(RawMedia raw,
                                                  const Draft& session,
                                                  const std::string& where) {
    Draft draft;
    draft.media.media = std::move(raw.media);
    draft.media.port = raw.port;
    draft.media.protocol = std::move(raw.protocol);
    draft.media.formats = std::move(raw.formats);
    if (Result<void> good = read_formats(draft.media, where); !good) {
        return std::unexpected(std::move(good.error()));
    }
    for (const RawAttribute& attribute : raw.attributes) {
        if (Result<void> good = read_attribute(draft, attribute, where); !good) {
            return std::unexpected(std::move(good.error()));
        }
    }
    for (PayloadType& type : draft.media.payload_types) {
        type.feedback.insert(
            type.feedback.end(), draft.feedback_for_all.begin(), draft.feedback_for_all.end());
    }
    add_static_maps(draft.media);
    inherit(draft, session);
    return std::move(draft.media);
}

// "BUNDLE 0 1"; groups of other kinds are not for us. RFC 5888 section 5.
void read_group(std::string_view value, SessionDescription& description) {
    const std::vector<std::string_view> words = split_words(value);
    if (words.size() > 1 && words[0] == "BUNDLE") {
        description.bundle_groups.emplace_back(words.begin() + 1, words.end());
    }
}

[[nodiscard]] Result<void> read_session_attributes(const std::vector<RawAttribute>& attributes,
                                                   SessionDescription& description,
                                                   Draft& session) {
    for (const RawAttribute& attribute : attributes) {
        if (attribute.name == "group") {
            read_group(attribute.value, description);
        }
        description.ice_lite = description.ice_lite || attribute.name == "ice-lite";
        description.extmap_allow_mixed =
            description.extmap_allow_mixed || attribute.name == "extmap-allow-mixed";
        if (Result<void> good = read_attribute(session, attribute, "the session part"); !good) {
            return good;
        }
    }
    return {};
}

[[nodiscard]] Result<void> check_groups(const SessionDescription& description,
                                        const std::set<std::string_view>& mids) {
    std::set<std::string_view> bundled;
    for (const std::string& mid : description.bundle_groups | std::views::join) {
        if (!mids.contains(mid)) {
            return make_error(
                ErrorCode::kInvalidArgument,
                "a=group:BUNDLE names " + quote(mid) + ", which no media section has as its mid");
        }
        if (!bundled.insert(mid).second) {
            return make_error(ErrorCode::kInvalidArgument,
                              "a=group:BUNDLE names " + quote(mid) + " twice");
        }
    }
    return {};
}

// RFC 5888 section 9.1 and RFC 9143 section 7.1: a mid names one section, a group names mids that
// exist, and a section is in at most one BUNDLE.
[[nodiscard]] Result<void> check_mids(const SessionDescription& description) {
    std::set<std::string_view> mids;
    for (const MediaDescription& media : description.media) {
        if (!media.mid.empty() && !mids.insert(media.mid).second) {
            return make_error(ErrorCode::kInvalidArgument,
                              "two media sections have a=mid:" + quote(media.mid));
        }
    }
    return check_groups(description, mids);
}

}  // namespace

const PayloadType* MediaDescription::find_payload_type(std::uint8_t number) const {
    const auto found = std::ranges::find(payload_types, number, &PayloadType::number);
    return found == payload_types.end() ? nullptr : &*found;
}

Result<SessionDescription> parse_session_description(std::string_view text,
                                                     const SdpLimits& limits) {
    Result<RawSession> raw = parse_raw_session(text, limits);
    if (!raw) {
        return std::unexpected(std::move(raw.error()));
    }
    SessionDescription description;
    description.session_id = parse_number<std::uint64_t>(raw->session_id).value_or(0);
    description.session_version = parse_number<std::uint64_t>(raw->session_version).value_or(0);
    Draft session;
    if (Result<void> good = read_session_attributes(raw->attributes, description, session); !good) {
        return std::unexpected(std::move(good.error()));
    }
    for (RawMedia& media : raw->media) {
        const std::string where = "media section " + std::to_string(description.media.size());
        Result<MediaDescription> read = read_media(std::move(media), session, where);
        if (!read) {
            return std::unexpected(std::move(read.error()));
        }
        description.media.push_back(std::move(*read));
    }
    if (Result<void> good = check_mids(description); !good) {
        return std::unexpected(std::move(good.error()));
    }
    return description;
}

}  // namespace isthmus::signaling::sdp
