#include "signaling/sdp/session_description.h"

namespace isthmus::signaling::sdp {
namespace {

[[nodiscard]] std::string_view name_of(StreamDirection direction) {
    switch (direction) {
        case StreamDirection::kSendReceive:
            return "sendrecv";
        case StreamDirection::kSendOnly:
            return "sendonly";
        case StreamDirection::kReceiveOnly:
            return "recvonly";
        case StreamDirection::kInactive:
            return "inactive";
    }
    return "";
}

[[nodiscard]] std::string_view name_of(Setup setup) {
    switch (setup) {
        case Setup::kActive:
            return "active";
        case Setup::kPassive:
            return "passive";
        case Setup::kActivePassive:
            return "actpass";
        case Setup::kHoldConnection:
            return "holdconn";
    }
    return "";
}

[[nodiscard]] std::string join(const std::vector<std::string>& words, std::string_view separator) {
    std::string joined;
    for (const std::string& word : words) {
        joined += joined.empty() ? "" : separator;
        joined += word;
    }
    return joined;
}

[[nodiscard]] std::string join_streams(const std::vector<SimulcastStream>& streams) {
    std::vector<std::string> words;
    words.reserve(streams.size());
    for (const SimulcastStream& stream : streams) {
        words.push_back((stream.paused ? "~" : "") + stream.rid);
    }
    return join(words, ";");
}

class Writer {
  public:
    // One line of the concatenated parts.
    template <typename... Parts>
    void line(const Parts&... parts) {
        ((text_ += parts), ...);
        text_ += "\r\n";
    }

    // The same, unless the last part is empty.
    void line_if_set(std::string_view name, const std::string& value) {
        if (!value.empty()) {
            line(name, value);
        }
    }

    [[nodiscard]] std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

void write_transport(Writer& writer, const MediaDescription& media) {
    writer.line_if_set("a=ice-ufrag:", media.ice_ufrag);
    writer.line_if_set("a=ice-pwd:", media.ice_pwd);
    writer.line_if_set("a=ice-options:", join(media.ice_options, " "));
    for (const std::string& fingerprint : media.fingerprints) {
        writer.line("a=fingerprint:", fingerprint);
    }
    if (media.setup) {
        writer.line("a=setup:", name_of(*media.setup));
    }
    for (const std::string& candidate : media.candidates) {
        writer.line("a=candidate:", candidate);
    }
    if (media.end_of_candidates) {
        writer.line("a=end-of-candidates");
    }
}

void write_payload_types(Writer& writer, const MediaDescription& media) {
    for (const PayloadType& type : media.payload_types) {
        const std::string number = std::to_string(type.number);
        if (type.map) {
            const std::string channels =
                type.map->channels == 1 ? "" : "/" + std::to_string(type.map->channels);
            writer.line("a=rtpmap:",
                        number,
                        " ",
                        type.map->encoding,
                        "/",
                        std::to_string(type.map->clock_hz),
                        channels);
        }
        for (const std::string& feedback : type.feedback) {
            writer.line("a=rtcp-fb:", number, " ", feedback);
        }
        if (!type.fmtp.empty()) {
            writer.line("a=fmtp:", number, " ", type.fmtp);
        }
    }
}

void write_streams(Writer& writer, const MediaDescription& media) {
    writer.line_if_set("a=msid:", media.msid);
    writer.line_if_set("a=content:", media.content);
    for (const SsrcGroup& group : media.ssrc_groups) {
        std::string ssrcs;
        for (const std::uint32_t ssrc : group.ssrcs) {
            ssrcs += " " + std::to_string(ssrc);
        }
        writer.line("a=ssrc-group:", group.semantics, ssrcs);
    }
    for (const SsrcAttributes& ssrc : media.ssrcs) {
        const std::string number = std::to_string(ssrc.ssrc);
        writer.line("a=ssrc:", number, " cname:", ssrc.cname);
        if (!ssrc.msid.empty()) {
            writer.line("a=ssrc:", number, " msid:", ssrc.msid);
        }
    }
    for (const Rid& rid : media.rids) {
        writer.line("a=rid:",
                    rid.id,
                    rid.send ? " send" : " recv",
                    rid.restrictions.empty() ? "" : " ",
                    rid.restrictions);
    }
    if (media.simulcast) {
        std::vector<std::string> parts;
        if (!media.simulcast->send.empty()) {
            parts.push_back("send " + join_streams(media.simulcast->send));
        }
        if (!media.simulcast->receive.empty()) {
            parts.push_back("recv " + join_streams(media.simulcast->receive));
        }
        writer.line("a=simulcast:", join(parts, " "));
    }
}

void write_media(Writer& writer, const MediaDescription& media) {
    writer.line("m=",
                media.media,
                " ",
                std::to_string(media.port),
                " ",
                media.protocol,
                " ",
                join(media.formats, " "));
    writer.line("c=IN IP4 0.0.0.0");
    writer.line_if_set("a=mid:", media.mid);
    writer.line("a=", name_of(media.direction));
    write_transport(writer, media);
    if (media.bundle_only) {
        writer.line("a=bundle-only");
    }
    if (media.rtcp_mux) {
        writer.line("a=rtcp-mux");
    }
    if (media.rtcp_reduced_size) {
        writer.line("a=rtcp-rsize");
    }
    if (media.congestion_feedback) {
        writer.line("a=rtcp-fb:* ack ccfb");
    }
    for (const ExtensionMap& map : media.extensions) {
        writer.line("a=extmap:",
                    std::to_string(map.id),
                    map.direction ? "/" : "",
                    map.direction ? name_of(*map.direction) : "",
                    " ",
                    map.uri);
    }
    write_payload_types(writer, media);
    write_streams(writer, media);
    if (media.sctp_port) {
        writer.line("a=sctp-port:", std::to_string(*media.sctp_port));
    }
    if (media.message_bytes_max) {
        writer.line("a=max-message-size:", std::to_string(*media.message_bytes_max));
    }
}

}  // namespace

std::string write_session_description(const SessionDescription& description) {
    Writer writer;
    writer.line("v=0");
    writer.line("o=- ",
                std::to_string(description.session_id),
                " ",
                std::to_string(description.session_version),
                " IN IP4 0.0.0.0");
    writer.line("s=-");
    writer.line("t=0 0");
    if (description.ice_lite) {
        writer.line("a=ice-lite");
    }
    if (description.extmap_allow_mixed) {
        writer.line("a=extmap-allow-mixed");
    }
    for (const auto& group : description.bundle_groups) {
        writer.line("a=group:BUNDLE ", join(group, " "));
    }
    for (const MediaDescription& media : description.media) {
        write_media(writer, media);
    }
    return writer.take();
}

}  // namespace isthmus::signaling::sdp
