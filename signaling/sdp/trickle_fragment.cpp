#include "signaling/sdp/trickle_fragment.h"

#include <utility>

#include "signaling/sdp/text.h"

namespace isthmus::signaling::sdp {
namespace {

using media::transport::IceCredentials;

[[nodiscard]] std::unexpected<Error> refuse(std::string sentence) {
    return make_error(ErrorCode::kInvalidArgument, std::move(sentence));
}

class FragmentReader {
  public:
    // `line` without its end. The sentence of what is wrong with it, or nothing.
    [[nodiscard]] std::optional<std::string> read_line(std::string_view line) {
        if (line.starts_with("m=")) {
            if (split_words(line.substr(2)).size() < 4) {
                return "is not a media line";
            }
            fragment_.sections.push_back({.media_line = std::string(line.substr(2)),
                                          .mid = {},
                                          .candidates = {},
                                          .end_of_candidates = false});
            return std::nullopt;
        }
        if (!line.starts_with("a=")) {
            // RFC 8840 section 9.2 knows only a= and m=; c= and the like come from copied offers.
            const bool other_type =
                line.size() >= 2 && line[0] >= 'a' && line[0] <= 'z' && line[1] == '=';
            return other_type ? std::nullopt
                              : std::optional<std::string>("is not of the form x=value");
        }
        std::string_view value = line.substr(2);
        const std::string_view name = take_until(value, ':');
        return read_attribute(name, value);
    }

    [[nodiscard]] Result<TrickleFragment> finish() {
        if (ufrag_.empty() != pwd_.empty()) {
            return refuse("the fragment has only one of a=ice-ufrag and a=ice-pwd");
        }
        if (!ufrag_.empty()) {
            fragment_.credentials =
                IceCredentials{.ufrag = std::move(ufrag_), .pwd = std::move(pwd_)};
        }
        if (!fragment_.credentials && fragment_.sections.empty() && fragment_.candidates.empty() &&
            !fragment_.end_of_candidates) {
            return refuse("the fragment has no ICE credentials, candidates or media lines");
        }
        return std::move(fragment_);
    }

  private:
    [[nodiscard]] std::optional<std::string> read_attribute(std::string_view name,
                                                            std::string_view value) {
        TrickleSection* const section =
            fragment_.sections.empty() ? nullptr : &fragment_.sections.back();
        if (name == "ice-ufrag") {
            return is_ice_ufrag(value) ? set_once(ufrag_, value) : "is not an ICE ufrag";
        }
        if (name == "ice-pwd") {
            return is_ice_pwd(value) ? set_once(pwd_, value) : "is not an ICE password";
        }
        if (name == "candidate") {
            (section == nullptr ? fragment_.candidates : section->candidates).emplace_back(value);
        } else if (name == "end-of-candidates") {
            (section == nullptr ? fragment_.end_of_candidates : section->end_of_candidates) = true;
        } else if (name == "mid" && section != nullptr) {
            if (!is_token(value)) {
                return "is not a mid";
            }
            section->mid = value;
        } else if (name == "ice-lite") {
            fragment_.ice_lite = true;
        } else if (name == "group") {
            read_group(value);
        }
        return std::nullopt;
    }

    void read_group(std::string_view value) {
        const std::vector<std::string_view> words = split_words(value);
        if (!words.empty() && words[0] == "BUNDLE") {
            fragment_.bundle.assign(words.begin() + 1, words.end());
        }
    }

    [[nodiscard]] static std::optional<std::string> set_once(std::string& field,
                                                             std::string_view value) {
        if (!field.empty() && field != value) {
            return "differs from an earlier one, all media shares one transport";
        }
        field = value;
        return std::nullopt;
    }

    TrickleFragment fragment_;
    std::string ufrag_;
    std::string pwd_;
};

[[nodiscard]] bool has_control_character(std::string_view line) {
    return std::ranges::any_of(line, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; });
}

}  // namespace

Result<TrickleFragment> parse_trickle_fragment(std::string_view text) {
    if (text.size() > kTrickleFragmentBytesMax) {
        return refuse("the fragment has " + std::to_string(text.size()) + " bytes, at most " +
                      std::to_string(kTrickleFragmentBytesMax) + " are accepted");
    }
    FragmentReader reader;
    std::size_t number = 0;
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        ++number;
        if (line.empty()) {
            continue;
        }
        std::optional<std::string> wrong =
            has_control_character(line) ? "contains a control character" : reader.read_line(line);
        if (wrong) {
            return refuse("line " + std::to_string(number) + " of the fragment " + *wrong + ": " +
                          quote(line));
        }
    }
    return reader.finish();
}

std::string write_trickle_fragment(const TrickleFragment& fragment) {
    std::string text;
    const auto line = [&text](std::string_view name, std::string_view value = {}) {
        text.append(name).append(value).append("\r\n");
    };
    if (fragment.ice_lite) {
        line("a=ice-lite");
    }
    if (!fragment.bundle.empty()) {
        std::string group;
        for (const std::string& mid : fragment.bundle) {
            group += " " + mid;
        }
        line("a=group:BUNDLE", group);
    }
    if (fragment.credentials) {
        line("a=ice-ufrag:", fragment.credentials->ufrag);
        line("a=ice-pwd:", fragment.credentials->pwd);
    }
    for (const std::string& candidate : fragment.candidates) {
        line("a=candidate:", candidate);
    }
    if (fragment.end_of_candidates) {
        line("a=end-of-candidates");
    }
    for (const TrickleSection& section : fragment.sections) {
        line("m=", section.media_line);
        if (!section.mid.empty()) {
            line("a=mid:", section.mid);
        }
        for (const std::string& candidate : section.candidates) {
            line("a=candidate:", candidate);
        }
        if (section.end_of_candidates) {
            line("a=end-of-candidates");
        }
    }
    return text;
}

}  // namespace isthmus::signaling::sdp
