#include "media/transport/traffic_class.h"

#include <algorithm>
#include <charconv>

namespace isthmus::media::transport {

namespace {

struct Name {
    std::string_view text;
    std::uint8_t dscp;
};

// The IANA registry "Differentiated Services Field Codepoints".
constexpr std::array kNames = {
    Name{"DF", 0},    Name{"CS1", 8},   Name{"CS2", 16},  Name{"CS3", 24},  Name{"CS4", 32},
    Name{"CS5", 40},  Name{"CS6", 48},  Name{"CS7", 56},  Name{"AF11", 10}, Name{"AF12", 12},
    Name{"AF13", 14}, Name{"AF21", 18}, Name{"AF22", 20}, Name{"AF23", 22}, Name{"AF31", 26},
    Name{"AF32", 28}, Name{"AF33", 30}, Name{"AF41", 34}, Name{"AF42", 36}, Name{"AF43", 38},
    Name{"EF", 46},   Name{"LE", 1},
};

bool same_but_for_case(std::string_view text, std::string_view name) {
    return std::ranges::equal(text, name, [](char a, char b) {
        return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
    });
}

}  // namespace

std::optional<TrafficClass> TrafficClass::parse(std::string_view text) {
    const auto* const named = std::ranges::find_if(
        kNames, [text](const Name& name) { return same_but_for_case(text, name.text); });
    if (named != kNames.end()) {
        return TrafficClass{named->dscp};
    }
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value > 63) {
        return std::nullopt;
    }
    return TrafficClass{static_cast<std::uint8_t>(value)};
}

std::string TrafficClass::to_string() const {
    const auto* const named = std::ranges::find(kNames, dscp, &Name::dscp);
    return named != kNames.end() ? std::string(named->text) : std::to_string(dscp);
}

}  // namespace isthmus::media::transport
