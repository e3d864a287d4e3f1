#include "control-agent/schema/schema.h"

#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <spdlog/fmt/fmt.h>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace isthmus::schema {
namespace {

namespace json = boost::json;

constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kValuesMax = 5000;
constexpr std::size_t kProblemsMax = 8;

// Of the object's own members; empty where there is none.
std::string_view forbidden_keyword(const json::object& object) {
    for (const std::string_view keyword : {"$ref", "pattern", "patternProperties"}) {
        if (object.contains(keyword)) {
            return keyword;
        }
    }
    return {};
}

// Why the schema is not taken, or nothing.
std::string find_forbidden(const json::value& schema) {
    struct Place {
        const json::value* value;
        std::size_t depth;
    };

    std::vector<Place> places = {{.value = &schema, .depth = 0}};
    std::size_t values = 0;
    while (!places.empty()) {
        const auto [value, depth] = places.back();
        places.pop_back();
        if (depth > kDepthMax || ++values > kValuesMax) {
            return "it is too deep or too long";
        }
        if (const json::object* const object = value->if_object()) {
            if (const auto keyword = forbidden_keyword(*object); !keyword.empty()) {
                return fmt::format("\"{}\" is not supported", keyword);
            }
            for (const auto& member : *object) {
                places.push_back({.value = &member.value(), .depth = depth + 1});
            }
        } else if (const json::array* const array = value->if_array()) {
            for (const json::value& element : *array) {
                places.push_back({.value = &element, .depth = depth + 1});
            }
        }
    }
    return {};
}

// valijson says "<root>", "[media]", "[workers]"; an administrator writes media.workers.
std::string place_of(const valijson::ValidationResults::Error& problem) {
    std::string place;
    for (const std::string& step : problem.context) {
        if (step.starts_with('[') && step.ends_with(']')) {
            place += fmt::format("{}{}", place.empty() ? "" : ".", step.substr(1, step.size() - 2));
        }
    }
    return place.empty() ? "the configuration" : place;
}

// Each problem comes once more for every object and list around it.
bool is_about_what_is_within(const valijson::ValidationResults::Error& problem) {
    return problem.description.starts_with("Failed to validate ");
}

}  // namespace

struct Schema::State {
    valijson::Schema schema;
};

Schema::Schema(std::unique_ptr<State> state) : state_(std::move(state)) {}

Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;
Schema::~Schema() = default;

Result<Schema> Schema::make(const json::value& schema) {
    if (const std::string forbidden = find_forbidden(schema); !forbidden.empty()) {
        return make_error(ErrorCode::kInvalidArgument, "the schema cannot be used: " + forbidden);
    }
    if (!schema.is_object()) {
        return make_error(ErrorCode::kInvalidArgument, "the schema must be a JSON object");
    }
    auto state = std::make_unique<State>();
    try {
        valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
        parser.populateSchema(valijson::adapters::BoostJsonAdapter(schema), state->schema);
    } catch (const std::exception& e) {
        return make_error(ErrorCode::kInvalidArgument,
                          fmt::format("the schema cannot be used: {}", e.what()));
    }
    return Schema(std::move(state));
}

Result<void> Schema::check(const json::value& configuration) const {
    std::string problems;
    try {
        valijson::Validator validator;
        valijson::ValidationResults results;
        if (validator.validate(
                state_->schema, valijson::adapters::BoostJsonAdapter(configuration), &results)) {
            return {};
        }
        valijson::ValidationResults::Error problem;
        for (std::size_t i = 0; i < kProblemsMax && results.popError(problem);) {
            if (problems.empty() || !is_about_what_is_within(problem)) {
                problems += fmt::format("{}{}: {}",
                                        problems.empty() ? "" : "; ",
                                        place_of(problem),
                                        problem.description);
                ++i;
            }
        }
    } catch (const std::exception& e) {
        problems = e.what();
    }
    return make_error(ErrorCode::kInvalidArgument,
                      problems.empty() ? "the configuration does not fit the schema" : problems);
}

}  // namespace isthmus::schema
