#include "tools/agent/status_file.h"

#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include <boost/json/serialize.hpp>

#include "control-agent/channel/json_fields.h"

namespace isthmus::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBytesMax = 1024UL * 1024;

fs::path status_path(const fs::path& runtime_directory) {
    return runtime_directory / "status.json";
}

}  // namespace

Result<void> write_status(const fs::path& runtime_directory, const boost::json::object& status) {
    const fs::path path = status_path(runtime_directory);
    const fs::path next = path.string() + ".next";
    std::error_code error;
    fs::create_directories(runtime_directory, error);
    {
        std::ofstream file(next, std::ios::trunc);
        file << boost::json::serialize(status) << '\n';
        if (!file.flush()) {
            return make_error(ErrorCode::kUnavailable, "cannot write " + next.string());
        }
    }
    fs::rename(next, path, error);
    if (error) {
        return make_error(ErrorCode::kUnavailable,
                          "cannot write " + path.string() + ": " + error.message());
    }
    return {};
}

Result<boost::json::object> read_status(const fs::path& runtime_directory) {
    std::ifstream file(status_path(runtime_directory));
    if (!file) {
        return make_error(ErrorCode::kNotFound,
                          "no agent runs here, or it has another runtime_directory");
    }
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    auto value = channel::parse_json(text, kBytesMax);
    if (!value || !value->is_object()) {
        return make_error(ErrorCode::kInternal,
                          status_path(runtime_directory).string() + " is damaged");
    }
    return value->get_object();
}

}  // namespace isthmus::agent
