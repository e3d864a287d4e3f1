#include "control-agent/channel/json_fields.h"

#include <boost/json/parse.hpp>

#include "base/http/base64url.h"

namespace isthmus::channel {

namespace json = boost::json;

namespace {

std::string_view view(const json::string& text) {
    return {text.data(), text.size()};
}

}  // namespace

std::optional<json::value> parse_json(std::string_view text,
                                      std::size_t bytes_max,
                                      std::size_t depth_max) {
    if (text.size() > bytes_max) {
        return std::nullopt;
    }
    json::parse_options options;
    options.max_depth = depth_max;
    boost::system::error_code error;
    json::value value = json::parse(text, error, {}, options);
    return error ? std::nullopt : std::optional(std::move(value));
}

const json::value* find_field(const json::value& value, std::string_view name) {
    const json::object* object = value.if_object();
    return object != nullptr ? object->if_contains(name) : nullptr;
}

const json::object* object_field(const json::value& value, std::string_view name) {
    const json::value* field = find_field(value, name);
    return field != nullptr ? field->if_object() : nullptr;
}

std::optional<std::string> text_field(const json::value& value, std::string_view name) {
    const json::value* field = find_field(value, name);
    const json::string* text = field != nullptr ? field->if_string() : nullptr;
    return text != nullptr ? std::optional<std::string>(view(*text)) : std::nullopt;
}

std::optional<std::int64_t> integer_field(const json::value& value, std::string_view name) {
    const json::value* field = find_field(value, name);
    if (field == nullptr) {
        return std::nullopt;
    }
    if (const auto* number = field->if_int64()) {
        return *number;
    }
    return std::nullopt;
}

std::optional<bool> bool_field(const json::value& value, std::string_view name) {
    const json::value* field = find_field(value, name);
    const bool* truth = field != nullptr ? field->if_bool() : nullptr;
    return truth != nullptr ? std::optional(*truth) : std::nullopt;
}

std::optional<Bytes> bytes_field(const json::value& value,
                                 std::string_view name,
                                 std::size_t length) {
    const json::value* field = find_field(value, name);
    const json::string* text = field != nullptr ? field->if_string() : nullptr;
    if (text == nullptr) {
        return std::nullopt;
    }
    auto bytes = http::decode_base64url(view(*text));
    if (!bytes || (length != 0 && bytes->size() != length)) {
        return std::nullopt;
    }
    return bytes;
}

std::optional<PublicKey> key_field(const json::value& value, std::string_view name) {
    const auto bytes = bytes_field(value, name);
    return bytes ? PublicKey::from_bytes(*bytes) : std::nullopt;
}

std::optional<ExchangePublicKey> exchange_key_field(const json::value& value,
                                                    std::string_view name) {
    const auto bytes = bytes_field(value, name);
    return bytes ? ExchangePublicKey::from_bytes(*bytes) : std::nullopt;
}

}  // namespace isthmus::channel
