#include "signaling/whip/layer_request.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace isthmus::signaling::whip {
namespace {

namespace json = boost::json;

using media::sfu::LayerWish;

// More is no bound, and no picture has as many.
constexpr double kNumberMax = 65535;

Error refuse(std::string_view name, std::string_view wanted) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = std::string(name) + " must be " + std::string(wanted)};
}

// Leaves `into` alone where the member is absent or null.
std::optional<Error> read_number(const json::object& object, std::string_view name, double& into) {
    const json::value* const value = object.if_contains(name);
    if (value == nullptr || value->is_null()) {
        return std::nullopt;
    }
    boost::system::error_code failure;
    const double number = value->to_number<double>(failure);
    if (failure || !(number >= 0 && number <= kNumberMax)) {
        return refuse(name, "a number from 0 to 65535");
    }
    into = number;
    return std::nullopt;
}

std::optional<Error> read_size(const json::object& object,
                               std::string_view name,
                               std::uint32_t& into) {
    double number = 0;
    auto error = read_number(object, name, number);
    into = static_cast<std::uint32_t>(number);
    return error;
}

std::optional<Error> read_layer(const json::object& object,
                                std::string_view name,
                                std::uint8_t& into) {
    double number = into;
    auto error = read_number(object, name, number);
    into = static_cast<std::uint8_t>(std::min<double>(number, into));
    return error;
}

std::optional<Error> read_wish(const json::object& object, LayerWish& wish) {
    for (auto error : {read_size(object, "maxWidth", wish.max_width),
                       read_size(object, "maxHeight", wish.max_height),
                       read_number(object, "maxFps", wish.max_fps),
                       read_layer(object, "maxSpatialLayerId", wish.max_spatial),
                       read_layer(object, "spatialLayerId", wish.max_spatial),
                       read_layer(object, "maxTemporalLayerId", wish.max_temporal),
                       read_layer(object, "temporalLayerId", wish.max_temporal)}) {
        if (error) {
            return error;
        }
    }
    if (const json::value* const paused = object.if_contains("paused")) {
        if (!paused->is_bool()) {
            return refuse("paused", "true or false");
        }
        wish.paused = paused->as_bool();
    }
    return std::nullopt;
}

}  // namespace

Result<LayerRequest> parse_layer_request(std::string_view body) {
    boost::system::error_code failure;
    const json::value value = json::parse(body, failure, {}, {.max_depth = 4});
    if (failure || !value.is_object()) {
        return make_error(ErrorCode::kInvalidArgument, "the body must be a JSON object");
    }
    const json::object& object = value.as_object();
    LayerRequest request;
    if (const json::value* const mid = object.if_contains("mediaId")) {
        if (!mid->is_string()) {
            return std::unexpected(refuse("mediaId", "the mid of a section, as text"));
        }
        request.mid = mid->as_string();
    }
    if (auto error = read_wish(object, request.wish)) {
        return std::unexpected(*std::move(error));
    }
    return request;
}

}  // namespace isthmus::signaling::whip
