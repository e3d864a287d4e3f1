// Packet types and formats of RTCP that the reader and the writer share.
#pragma once

#include <cstddef>
#include <cstdint>

namespace isthmus::media::rtp::rtcp {

// RFC 3550 section 12.1, RFC 4585 section 6.1, RFC 3611 section 2.
inline constexpr std::uint8_t kSenderReport = 200;
inline constexpr std::uint8_t kReceiverReport = 201;
inline constexpr std::uint8_t kSourceDescription = 202;
inline constexpr std::uint8_t kBye = 203;
inline constexpr std::uint8_t kTransportLayerFeedback = 205;
inline constexpr std::uint8_t kPayloadSpecificFeedback = 206;
inline constexpr std::uint8_t kExtendedReport = 207;

// Feedback message types of 205.
inline constexpr std::uint8_t kGenericNack = 1;
inline constexpr std::uint8_t kCongestionFeedback = 11;  // RFC 8888 section 3.1
inline constexpr std::uint8_t kTransportWideFeedback = 15;
// Of 206.
inline constexpr std::uint8_t kPictureLossIndication = 1;
inline constexpr std::uint8_t kFullIntraRequest = 4;
inline constexpr std::uint8_t kApplicationLayer = 15;
inline constexpr std::uint32_t kRembName = 0x52454d42;  // "REMB"

inline constexpr std::uint8_t kCnameItem = 1;

// XR block types, RFC 3611 section 4.4 and 4.5.
inline constexpr std::uint8_t kReceiverReferenceTimeBlock = 4;
inline constexpr std::uint8_t kDlrrBlock = 5;

inline constexpr std::size_t kHeaderBytes = 4;
// SSRC of packet sender and of media source.
inline constexpr std::size_t kFeedbackHeaderBytes = 8;

}  // namespace isthmus::media::rtp::rtcp
