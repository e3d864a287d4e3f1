// Offers for tests: recorded ones from tests/data/sdp, and one that is put together.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "signaling/sdp/session_description.h"

namespace isthmus::signaling::sdp {

inline std::string read_offer(std::string_view name) {
    std::ifstream file("tests/data/sdp/" + std::string(name), std::ios::binary);
    EXPECT_TRUE(file) << "tests run in the repository's root";
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::vector<std::string> all_offers() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator("tests/data/sdp")) {
        names.push_back(entry.path().filename().string());
    }
    EXPECT_GE(names.size(), 8U);
    return names;
}

inline constexpr std::string_view kSessionLines =
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";

inline constexpr std::string_view kTransportLines =
    "a=ice-ufrag:abcd\r\n"
    "a=ice-pwd:0123456789012345678901\r\n"
    "a=fingerprint:sha-256 "
    "AE:EB:58:81:F7:68:1A:13:50:41:E6:1C:51:06:1B:8E:10:6C:6E:96:9B:1E:C9:BC:E8:F9:39:0A:78:18:B1:"
    "7E\r\n"
    "a=setup:actpass\r\n";

inline constexpr std::string_view kOpusSection =
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "a=mid:0\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n";

inline constexpr std::string_view kVp8Section =
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
    "a=mid:1\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n";

// The transport lines stand in the session part.
inline std::string offer_of(std::string_view sections, std::string_view group = "") {
    std::string text(kSessionLines);
    text += kTransportLines;
    if (!group.empty()) {
        text.append("a=group:BUNDLE ").append(group).append("\r\n");
    }
    return text.append(sections);
}

inline SessionDescription parse_good(std::string_view text) {
    Result<SessionDescription> parsed = parse_session_description(text);
    EXPECT_TRUE(parsed) << parsed.error().message;
    return parsed ? std::move(*parsed) : SessionDescription{};
}

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

}  // namespace isthmus::signaling::sdp
