#include "tests/media/worker/layered_camera.h"

#include <gtest/gtest.h>

#include "media/rtp/header_extensions.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/vp8_descriptor.h"

namespace isthmus::media::testing {
namespace {

std::string rid(std::size_t encoding) {
    return {1, "qhf"[encoding]};
}

}  // namespace

sfu::MediaSection layered_section(sfu::Direction direction, rtp::Codec codec) {
    sfu::MediaSection made = video_section(direction);
    made.extensions.set(rtp::ExtensionKind::kDependencyDescriptor, kDescriptorId);
    if (codec == rtp::Codec::kAv1) {
        made.formats.front().codec = codec;
        made.formats.front().payload_type = kAv1Type;
    }
    return made;
}

LayeredCamera::LayeredCamera(Meeting& meeting, const CameraConfig& config)
    : meeting_(meeting), config_(config) {
    sfu::MediaSection published = layered_section(sfu::Direction::kReceive, config.codec);
    published.source = config.source;
    published.encrypted = config.encrypted;
    if (config.encodings > 1) {
        published.extensions.set(rtp::ExtensionKind::kRid, kRidId);
        for (std::size_t i = 0; i < config.encodings; ++i) {
            published.encodings.push_back({.rid = rid(i)});
        }
    }
    for (std::uint32_t i = 0; i < config.encodings; ++i) {
        sources.emplace_back(layers::SourceConfig{
            .codec = config.codec,
            .mode = layers::Mode::parse(config.mode),
            .descriptors = config.codec == rtp::Codec::kAv1 || config.encrypted,
            .source = i + 1,
            .ssrc = config.first_ssrc + i,
            .first_seq = static_cast<std::uint16_t>(65520 + i * 20000),
            .first_timestamp = 0xffff0000 + i * 900'001,
            .first_picture = static_cast<std::uint16_t>(32760 - i * 9999),
            .packets_per_frame = config.packets_per_frame << i,
            .filler_bytes = config.filler_bytes});
    }
    publisher = meeting.join_connected(config.identity, {published});
}

void LayeredCamera::picture() {
    const std::vector<bool> keys = take_requests();
    for (std::size_t i = 0; i < config_.encodings; ++i) {
        if (i >= on) {
            continue;
        }
        for (const auto& packet : sources[i].picture(keys[i] || !begun_)) {
            EXPECT_TRUE(publisher->client->ice().send_rtp(wrap(i, packet)));
        }
    }
    begun_ = true;
    meeting_.network().settle(*publisher->client);
}

rtp::Bytes LayeredCamera::wrap(std::size_t encoding,
                               const layers::SourcePacketBytes& packet) const {
    rtp::Bytes block;
    const auto element = [&block](std::uint8_t id, std::span<const std::byte> value) {
        rtp::append(block, rtp::bytes({id, static_cast<int>(value.size())}));
        rtp::append(block, value);
    };
    element(kMidId, std::as_bytes(std::span(std::string_view("video"))));
    const std::string name = rid(encoding);
    if (config_.encodings > 1) {
        element(kRidId, std::as_bytes(std::span(std::string_view(name))));
    }
    if (!packet.descriptor.empty()) {
        element(kDescriptorId, packet.descriptor);
    }
    block.resize((block.size() + 3) / 4 * 4);
    return rtp::make_rtp({.payload_type = config_.codec == rtp::Codec::kAv1 ? kAv1Type : kVp8Type,
                          .marker = packet.view.marker,
                          .seq = packet.view.seq,
                          .timestamp = value_of(packet.view.timestamp),
                          .ssrc = packet.view.ssrc,
                          .extension_profile = rtp::kTwoByteExtensionProfile,
                          .extension = block,
                          .payload = payload_of(packet)});
}

// What lies between the descriptor and what the source put at the end is noise, of which every
// second packet would be the beginning of a key frame.
rtp::Bytes LayeredCamera::payload_of(const layers::SourcePacketBytes& packet) const {
    constexpr std::size_t kIdentityBytes = 3;
    rtp::Bytes payload(packet.view.payload.begin(), packet.view.payload.end());
    if (config_.encrypted && config_.codec == rtp::Codec::kVp8) {
        const auto descriptor = rtp::Vp8Descriptor::parse(payload);
        for (std::size_t i = descriptor->bytes; i + kIdentityBytes < payload.size(); ++i) {
            payload[i] = static_cast<std::byte>(packet.view.seq * 167U + i * 31U);
        }
    }
    return payload;
}

std::vector<bool> LayeredCamera::take_requests() {
    std::vector<bool> keys(config_.encodings);
    for (const auto& compound : publisher->client->rtcp) {
        auto reader = rtp::RtcpReader::parse(compound);
        while (const auto message = reader ? reader->next() : std::nullopt) {
            if (const auto* loss = std::get_if<rtp::PictureLoss>(&*message)) {
                ++requests[loss->media_ssrc];
                keys[loss->media_ssrc - config_.first_ssrc] = true;
            }
        }
    }
    publisher->client->rtcp.clear();
    return keys;
}

}  // namespace isthmus::media::testing
