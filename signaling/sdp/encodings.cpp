#include "signaling/sdp/encodings.h"

#include <algorithm>

#include "signaling/sdp/payload_formats.h"
#include "signaling/sdp/text.h"

namespace isthmus::signaling::sdp {
namespace {

using media::rtp::PayloadFormat;
using media::sfu::Encoding;

[[nodiscard]] std::uint32_t restriction(const Rid& rid, std::string_view name) {
    const std::optional<std::string_view> value = find_fmtp_parameter(rid.restrictions, name);
    return value ? parse_number<std::uint32_t>(*value).value_or(0) : 0;
}

// RFC 8851 section 4: "pt=96,97"; all of them where nothing is said.
[[nodiscard]] bool has_accepted_type(const Rid& rid, const std::vector<PayloadFormat>& accepted) {
    const std::optional<std::string_view> types = find_fmtp_parameter(rid.restrictions, "pt");
    return !types || std::ranges::any_of(split_words(*types, ','), [&](std::string_view word) {
        const std::optional<std::uint8_t> type = parse_number<std::uint8_t>(word);
        return type &&
               std::ranges::find(accepted, *type, &PayloadFormat::payload_type) != accepted.end();
    });
}

[[nodiscard]] Encoding encoding_of(const Rid& rid, bool paused) {
    return {.rid = rid.id,
            .ssrc = {},
            .rtx_ssrc = {},
            .paused = paused,
            .max_width = restriction(rid, "max-width"),
            .max_height = restriction(rid, "max-height"),
            .max_fps = restriction(rid, "max-fps"),
            .max_bitrate_bps = restriction(rid, "max-br")};
}

[[nodiscard]] const SsrcGroup* find_group(const MediaDescription& offered,
                                          std::string_view semantics,
                                          std::optional<std::uint32_t> first) {
    const auto found = std::ranges::find_if(offered.ssrc_groups, [&](const SsrcGroup& group) {
        return group.semantics == semantics && (!first || group.ssrcs.front() == *first);
    });
    return found == offered.ssrc_groups.end() ? nullptr : &*found;
}

[[nodiscard]] Encoding encoding_of(std::uint32_t ssrc, const MediaDescription& offered) {
    Encoding encoding;
    encoding.ssrc = ssrc;
    const SsrcGroup* const repair = find_group(offered, "FID", ssrc);
    if (repair != nullptr && repair->ssrcs.size() == 2) {
        encoding.rtx_ssrc = repair->ssrcs[1];
    }
    return encoding;
}

}  // namespace

std::vector<Encoding> read_rid_encodings(const MediaDescription& offered,
                                         const std::vector<PayloadFormat>& accepted,
                                         std::size_t encodings_max) {
    std::vector<Encoding> encodings;
    if (!offered.simulcast) {
        return encodings;
    }
    for (const SimulcastStream& stream : offered.simulcast->send) {
        const auto rid = std::ranges::find_if(offered.rids, [&stream](const Rid& candidate) {
            return candidate.send && candidate.id == stream.rid;
        });
        const bool known =
            std::ranges::find(encodings, stream.rid, &Encoding::rid) != encodings.end();
        if (rid != offered.rids.end() && !known && encodings.size() < encodings_max &&
            has_accepted_type(*rid, accepted)) {
            encodings.push_back(encoding_of(*rid, stream.paused));
        }
    }
    return encodings;
}

std::vector<Encoding> read_ssrc_encodings(const MediaDescription& offered,
                                          std::size_t encodings_max) {
    std::vector<Encoding> encodings;
    if (const SsrcGroup* const simulcast = find_group(offered, "SIM", std::nullopt)) {
        for (const std::uint32_t ssrc : simulcast->ssrcs) {
            const bool known =
                std::ranges::find(encodings, ssrc, &Encoding::ssrc) != encodings.end();
            if (!known && encodings.size() < encodings_max) {
                encodings.push_back(encoding_of(ssrc, offered));
            }
        }
    } else if (const SsrcGroup* const repair = find_group(offered, "FID", std::nullopt)) {
        encodings.push_back(encoding_of(repair->ssrcs.front(), offered));
    } else if (offered.ssrcs.size() == 1) {
        encodings.push_back(encoding_of(offered.ssrcs.front().ssrc, offered));
    }
    return encodings;
}

}  // namespace isthmus::signaling::sdp
