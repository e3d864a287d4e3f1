#include "media/client/talk_spurts.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace isthmus::media::client {

namespace {

constexpr Duration kPacket = std::chrono::milliseconds(20);
constexpr Duration kPacketWithoutTalk = std::chrono::milliseconds(400);
constexpr Duration kTalkMean = std::chrono::milliseconds(1004);   // ITU-T P.59 table 1
constexpr Duration kPauseMean = std::chrono::milliseconds(1587);  // ITU-T P.59 table 1
constexpr Duration kBehindMax = std::chrono::milliseconds(250);
constexpr std::uint8_t kLoudest = 20;  // -dBov while talking, to kLoudest + 15
constexpr std::uint8_t kSilence = 127;

// Code 3 with one frame and padding: a CELT frame of 20 ms that decodes to silence, then padding of
// which the stamp is the end. Sizes up to 255 - kStampBytes of padding.
[[nodiscard]] std::vector<std::byte> make_packet(std::uint32_t bitrate_bps) {
    constexpr std::size_t kHead = 5;
    constexpr std::size_t kPaddingMax = 254;
    const std::size_t bytes = bitrate_bps / 8 / 50;
    const std::size_t padding = std::clamp(bytes, kHead + kStampBytes, kHead + kPaddingMax) - kHead;
    std::vector<std::byte> packet{std::byte{0xfb},  // full band, 20 ms, mono, code 3
                                  std::byte{0x41},  // constant bit rate, padding, one frame
                                  static_cast<std::byte>(padding),
                                  std::byte{0xff},
                                  std::byte{0xfe}};
    packet.resize(kHead + padding - kStampBytes);
    return packet;
}

}  // namespace

TalkSpurts::TalkSpurts(Instant first, const TalkConfig& config, RandomSource& random)
    : config_(config),
      random_(random),
      packet_(make_packet(config.bitrate_bps)),
      talking_(!config.silent && !config.spurts),
      changes_at_(config.spurts && !config.silent ? first : kNever),
      next_at_(first) {}

std::optional<AudioPacket> TalkSpurts::poll(Instant now) {
    if (now < next_at_) {
        return std::nullopt;
    }
    bool begins = false;
    if (now >= changes_at_) {
        change_over(now);
        begins = talking_;
    }
    const Duration interval = talking_ ? kPacket : kPacketWithoutTalk;
    AudioPacket packet;
    packet.taken_at = std::exchange(next_at_, next_at_ + interval);
    if (now - next_at_ > kBehindMax) {
        packet.taken_at = now;
        next_at_ = now + interval;
    }
    // A pause ends when the talk begins, not when its next packet was due.
    next_at_ = talking_ ? next_at_ : std::min(next_at_, changes_at_);
    packet.part = {.marker = begins, .stamped = true, .body = packet_};
    packet.level = {
        .minus_dbov = talking_ ? static_cast<std::uint8_t>(kLoudest + (random_.next_u32() & 0x0fU))
                               : kSilence,
        .voice = talking_};
    return packet;
}

void TalkSpurts::change_over(Instant now) {
    talking_ = !talking_;
    changes_at_ = now + std::max(draw(talking_ ? kTalkMean : kPauseMean), kPacket);
}

Duration TalkSpurts::draw(Duration mean) {
    const double uniform = (static_cast<double>(random_.next_u32()) + 1) / 4294967297.0;
    return Duration{
        static_cast<std::int64_t>(-std::log(uniform) * static_cast<double>(mean.count()))};
}

}  // namespace isthmus::media::client
