#include "base/http/challenge.h"

#include <algorithm>
#include <utility>

namespace isthmus::http {
namespace {

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// RFC 9110 section 5.6.2.
bool is_token_character(char c) {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

// RFC 9110 section 11.2.
bool is_token68_character(char c) {
    return is_alphanumeric(c) || std::string_view("-._~+/").contains(c);
}

class ChallengeParser {
  public:
    explicit ChallengeParser(std::string_view text) : rest_(text) {}

    std::optional<std::vector<Challenge>> parse() {
        while (skip_separators(), !rest_.empty()) {
            const std::string_view name = take_while(is_token_character);
            if (name.empty()) {
                return std::nullopt;
            }
            const bool spaced = rest_.starts_with(' ') || rest_.starts_with('\t');
            skip_space();
            const bool good =
                rest_.starts_with('=') ? add_parameter(name) : add_challenge(name, spaced);
            if (!good) {
                return std::nullopt;
            }
        }
        return std::move(challenges_);
    }

  private:
    template <typename Predicate>
    std::string_view take_while(Predicate belongs) {
        const auto end = std::ranges::find_if_not(rest_, belongs);
        const std::string_view taken =
            rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
        rest_.remove_prefix(taken.size());
        return taken;
    }

    void skip_space() {
        take_while([](char c) { return c == ' ' || c == '\t'; });
    }

    // Empty list elements are allowed (RFC 9110 section 5.6.1.2).
    void skip_separators() {
        take_while([](char c) { return c == ' ' || c == '\t' || c == ','; });
    }

    bool add_challenge(std::string_view scheme, bool spaced) {
        if (challenges_.size() == kChallengesMax) {
            return false;
        }
        challenges_.push_back({.scheme = std::string(scheme), .token68 = {}, .parameters = {}});
        if (rest_.empty() || rest_.starts_with(',')) {
            return true;
        }
        return spaced && add_first_item();
    }

    // What follows a scheme and a space: "abc==" is a token68 where the list goes on or ends
    // behind it, "realm=..." a parameter.
    bool add_first_item() {
        const std::string_view before = rest_;
        take_while(is_token68_character);
        take_while([](char c) { return c == '='; });
        const std::string_view token68 = before.substr(0, before.size() - rest_.size());
        skip_space();
        if (!token68.empty() && (rest_.empty() || rest_.starts_with(','))) {
            challenges_.back().token68 = token68;
            return true;
        }
        rest_ = before;
        const std::string_view name = take_while(is_token_character);
        skip_space();
        return !name.empty() && rest_.starts_with('=') && add_parameter(name);
    }

    bool add_parameter(std::string_view name) {
        if (challenges_.empty() ||
            challenges_.back().parameters.size() == kChallengeParametersMax ||
            !challenges_.back().token68.empty()) {
            return false;
        }
        rest_.remove_prefix(1);  // '='
        skip_space();
        std::optional<std::string> value;
        if (rest_.starts_with('"')) {
            value = take_quoted();
        } else if (const std::string_view token = take_while(is_token_character); !token.empty()) {
            value = token;
        }
        skip_space();
        if (!value || !(rest_.empty() || rest_.starts_with(','))) {
            return false;
        }
        // RFC 9110 section 11.2: each name once.
        return challenges_.back().parameters.emplace(name, std::move(*value)).second;
    }

    // RFC 9110 section 5.6.4.
    std::optional<std::string> take_quoted() {
        rest_.remove_prefix(1);
        std::string value;
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.front() == '\\') {
                rest_.remove_prefix(1);
                if (rest_.empty()) {
                    break;
                }
            }
            value += rest_.front();
            rest_.remove_prefix(1);
        }
        if (rest_.empty()) {
            return std::nullopt;
        }
        rest_.remove_prefix(1);
        return value;
    }

    std::string_view rest_;
    std::vector<Challenge> challenges_;
};

}  // namespace

bool Challenge::is(std::string_view name) const {
    const HeaderLess less;
    return !less(scheme, name) && !less(name, scheme);
}

std::string_view Challenge::parameter(std::string_view name) const {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<std::vector<Challenge>> parse_challenges(std::string_view field) {
    return ChallengeParser(field).parse();
}

}  // namespace isthmus::http
