// The media types and methods of WHIP's URLs.
#pragma once

#include <string_view>

namespace isthmus::signaling::whip {

inline constexpr const char* kSdpType = "application/sdp";                       // RFC 8866
inline constexpr const char* kFragmentType = "application/trickle-ice-sdpfrag";  // RFC 8840
inline constexpr const char* kJsonType = "application/json";                     // RFC 8259
inline constexpr const char* kLayerRelation = "rel=\"urn:ietf:params:whep:ext:core:layer\"";
inline constexpr const char* kEndpointMethods = "OPTIONS, POST";
inline constexpr const char* kSessionMethods = "DELETE, OPTIONS, PATCH";

// Is the value of Content-Type this type, whatever its parameters? Without case.
[[nodiscard]] bool is_media_type(std::string_view content_type, std::string_view wanted);

}  // namespace isthmus::signaling::whip
