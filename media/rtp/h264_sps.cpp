#include "media/rtp/h264_sps.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "media/rtp/bit_reader.h"

namespace isthmus::media::rtp {
namespace {

// More than any encoder's set has before the sizes, scaling lists included.
constexpr std::size_t kBytesMax = 512;

// Takes out emulation_prevention_three_byte. Returns the bytes written.
std::size_t unescape(std::span<const std::byte> from, std::span<std::byte> to) {
    std::size_t size = 0;
    unsigned zeros = 0;
    for (const std::byte byte : from) {
        if (size == to.size()) {
            break;
        }
        if (zeros == 2 && byte == std::byte{3}) {
            zeros = 0;
            continue;
        }
        zeros = byte == std::byte{0} ? std::min(zeros + 1, 2U) : 0;
        to[size++] = byte;
    }
    return size;
}

std::int32_t read_signed(BitReader& reader) {
    const std::uint32_t coded = reader.read_exp_golomb();
    const auto half = static_cast<std::int32_t>((std::uint64_t{coded} + 1) / 2);
    return coded % 2 != 0 ? half : -half;
}

void skip_scaling_list(BitReader& reader, unsigned size) {
    std::int32_t last = 8;
    std::int32_t next = 8;
    for (unsigned i = 0; i < size && !reader.failed(); ++i) {
        if (next != 0) {
            next = (last + read_signed(reader) % 256 + 256) % 256;
        }
        last = next == 0 ? last : next;
    }
}

bool has_chroma_format(std::uint32_t profile) {
    constexpr std::array kProfiles = {
        100U, 110U, 122U, 244U, 44U, 83U, 86U, 118U, 128U, 138U, 139U, 134U, 135U};
    return std::ranges::find(kProfiles, profile) != kProfiles.end();
}

// Returns ChromaArrayType.
std::uint32_t read_chroma(BitReader& reader) {
    constexpr std::uint32_t k444 = 3;
    const std::uint32_t format = reader.read_exp_golomb();
    const bool separate_planes = format == k444 && reader.read_flag();
    reader.read_exp_golomb();  // bit_depth_luma_minus8
    reader.read_exp_golomb();  // bit_depth_chroma_minus8
    reader.skip(1);            // qpprime_y_zero_transform_bypass_flag
    if (reader.read_flag()) {  // seq_scaling_matrix_present_flag
        const unsigned lists = format == k444 ? 12 : 8;
        for (unsigned list = 0; list < lists; ++list) {
            if (reader.read_flag()) {
                skip_scaling_list(reader, list < 6 ? 16 : 64);
            }
        }
    }
    return separate_planes ? 0 : format;
}

void skip_picture_order(BitReader& reader) {
    const std::uint32_t type = reader.read_exp_golomb();
    if (type == 0) {
        reader.read_exp_golomb();
    } else if (type == 1) {
        reader.skip(1);
        read_signed(reader);
        read_signed(reader);
        const std::uint32_t frames = reader.read_exp_golomb();
        for (std::uint32_t i = 0; i < frames && !reader.failed(); ++i) {
            read_signed(reader);
        }
    }
}

struct Crop {
    std::uint64_t horizontal = 0;  // luma samples
    std::uint64_t vertical = 0;
};

Crop read_crop(BitReader& reader, std::uint32_t chroma, bool frames_only) {
    if (!reader.read_flag()) {
        return {};
    }
    const std::uint64_t left = reader.read_exp_golomb();
    const std::uint64_t right = reader.read_exp_golomb();
    const std::uint64_t top = reader.read_exp_golomb();
    const std::uint64_t bottom = reader.read_exp_golomb();
    const unsigned across = chroma == 1 || chroma == 2 ? 2 : 1;               // SubWidthC
    const unsigned down = (chroma == 1 ? 2U : 1U) * (frames_only ? 1U : 2U);  // CropUnitY
    return {.horizontal = (left + right) * across, .vertical = (top + bottom) * down};
}

}  // namespace

std::optional<FrameSize> h264_frame_size(std::span<const std::byte> body) {
    std::array<std::byte, kBytesMax> plain{};
    const std::size_t plain_bytes = unescape(body, plain);
    BitReader reader{std::span<const std::byte>(plain).first(plain_bytes)};
    const std::uint32_t profile = reader.read(8);
    reader.skip(16);           // constraint flags, level_idc
    reader.read_exp_golomb();  // seq_parameter_set_id
    const std::uint32_t chroma = has_chroma_format(profile) ? read_chroma(reader) : 1;
    reader.read_exp_golomb();  // log2_max_frame_num_minus4
    skip_picture_order(reader);
    reader.read_exp_golomb();  // max_num_ref_frames
    reader.skip(1);            // gaps_in_frame_num_value_allowed_flag
    const std::uint64_t across = std::uint64_t{reader.read_exp_golomb()} + 1;
    const std::uint64_t down = std::uint64_t{reader.read_exp_golomb()} + 1;
    const bool frames_only = reader.read_flag();
    reader.skip(frames_only ? 1 : 2);  // mb_adaptive_frame_field_flag, direct_8x8_inference_flag
    const Crop crop = read_crop(reader, chroma, frames_only);
    const std::uint64_t width = across * 16;
    const std::uint64_t height = down * 16 * (frames_only ? 1 : 2);
    constexpr std::uint64_t kSizeMax = 0xffff;
    if (reader.failed() || width > kSizeMax || height > kSizeMax || crop.horizontal >= width ||
        crop.vertical >= height) {
        return std::nullopt;
    }
    return FrameSize{.width = static_cast<std::uint16_t>(width - crop.horizontal),
                     .height = static_cast<std::uint16_t>(height - crop.vertical)};
}

}  // namespace isthmus::media::rtp
