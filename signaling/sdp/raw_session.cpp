#include "signaling/sdp/raw_session.h"

#include <memory>
#include <utility>

#include <gst/sdp/gstsdpmessage.h>

#include "signaling/sdp/text.h"

namespace isthmus::signaling::sdp {
namespace {

struct FreeMessage {
    void operator()(GstSDPMessage* message) const { gst_sdp_message_free(message); }
};

using Message = std::unique_ptr<GstSDPMessage, FreeMessage>;

[[nodiscard]] std::unexpected<Error> refuse(std::string sentence) {
    return make_error(ErrorCode::kInvalidArgument, std::move(sentence));
}

[[nodiscard]] std::string text_of(const gchar* text) {
    return text == nullptr ? "" : text;
}

// "audio 9 UDP/TLS/RTP/SAVPF 111 0", the port perhaps with "/2".
[[nodiscard]] bool is_media_line(std::string_view value) {
    const std::vector<std::string_view> words = split_words(value);
    if (words.size() < 4 || !is_token(words[0])) {
        return false;
    }
    std::string_view count = words[1];
    const std::string_view port = take_until(count, '/');
    return parse_number<std::uint16_t>(port).has_value() &&
           (count.empty() || parse_number<std::uint16_t>(count).has_value());
}

[[nodiscard]] Result<void> check_line(std::string_view line, std::size_t number) {
    const std::string where = "line " + std::to_string(number) + " of the SDP ";
    if (line.size() > kSdpLineBytesMax) {
        return refuse(where + "is longer than " + std::to_string(kSdpLineBytesMax) + " bytes");
    }
    if (std::ranges::any_of(
            line, [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7F; })) {
        return refuse(where + "contains a control character");
    }
    if (line.size() < 2 || line[0] < 'a' || line[0] > 'z' || line[1] != '=') {
        return refuse(where + "is not of the form x=value: " + quote(line));
    }
    if (line[0] == 'm' && !is_media_line(line.substr(2))) {
        return refuse(where + "is not a media line: " + quote(line));
    }
    return {};
}

// What GstSDP would swallow without a word.
[[nodiscard]] Result<void> check_form(std::string_view text, const SdpLimits& limits) {
    if (text.size() > limits.bytes_max) {
        return refuse("the SDP has " + std::to_string(text.size()) + " bytes, at most " +
                      std::to_string(limits.bytes_max) + " are accepted");
    }
    std::size_t number = 0;
    std::size_t sections = 0;
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        ++number;
        if (line.empty()) {
            continue;  // some clients end with an empty line
        }
        if (Result<void> good = check_line(line, number); !good) {
            return good;
        }
        if (number == 1 && line != "v=0") {
            return refuse("the SDP must begin with v=0");
        }
        sections += line[0] == 'm' ? 1 : 0;
    }
    if (number == 0) {
        return refuse("the SDP is empty");
    }
    if (sections > limits.sections_max) {
        return refuse("too many media sections (" + std::to_string(sections) + ", at most " +
                      std::to_string(limits.sections_max) + ")");
    }
    return {};
}

[[nodiscard]] RawAttribute attribute_of(const GstSDPAttribute& attribute) {
    return {.name = text_of(attribute.key), .value = text_of(attribute.value)};
}

[[nodiscard]] RawMedia media_of(const GstSDPMedia& media) {
    RawMedia raw;
    raw.media = text_of(gst_sdp_media_get_media(&media));
    raw.port = static_cast<std::uint16_t>(gst_sdp_media_get_port(&media));
    raw.protocol = text_of(gst_sdp_media_get_proto(&media));
    for (guint i = 0; i < gst_sdp_media_formats_len(&media); ++i) {
        if (std::string format = text_of(gst_sdp_media_get_format(&media, i)); !format.empty()) {
            raw.formats.push_back(std::move(format));
        }
    }
    for (guint i = 0; i < gst_sdp_media_attributes_len(&media); ++i) {
        raw.attributes.push_back(attribute_of(*gst_sdp_media_get_attribute(&media, i)));
    }
    return raw;
}

}  // namespace

Result<RawSession> parse_raw_session(std::string_view text, const SdpLimits& limits) {
    if (Result<void> good = check_form(text, limits); !good) {
        return std::unexpected(std::move(good.error()));
    }
    GstSDPMessage* made = nullptr;
    if (gst_sdp_message_new(&made) != GST_SDP_OK) {
        return make_error(ErrorCode::kInternal, "no memory for the SDP");
    }
    const Message message(made);
    if (gst_sdp_message_parse_buffer(reinterpret_cast<const guint8*>(text.data()),
                                     static_cast<guint>(text.size()),
                                     message.get()) != GST_SDP_OK) {
        return refuse("the SDP cannot be parsed");
    }
    RawSession session;
    if (const GstSDPOrigin* const origin = gst_sdp_message_get_origin(message.get())) {
        session.session_id = text_of(origin->sess_id);
        session.session_version = text_of(origin->sess_version);
    }
    for (guint i = 0; i < gst_sdp_message_attributes_len(message.get()); ++i) {
        session.attributes.push_back(
            attribute_of(*gst_sdp_message_get_attribute(message.get(), i)));
    }
    for (guint i = 0; i < gst_sdp_message_medias_len(message.get()); ++i) {
        session.media.push_back(media_of(*gst_sdp_message_get_media(message.get(), i)));
    }
    return session;
}

}  // namespace isthmus::signaling::sdp
