#include "base/http/static_files.h"

#include <array>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <openssl/evp.h>
#include <spdlog/fmt/fmt.h>

namespace isthmus::http {
namespace {

namespace fs = std::filesystem;

// Scripts and connections come from this node only; cameras need no permission of the policy.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

std::string_view type_of(const fs::path& path) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kTypes = {{
        {".css", "text/css; charset=utf-8"},
        {".gif", "image/gif"},
        {".html", "text/html; charset=utf-8"},
        {".ico", "image/x-icon"},
        {".jpg", "image/jpeg"},
        {".js", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".png", "image/png"},
        {".svg", "image/svg+xml"},
        {".txt", "text/plain; charset=utf-8"},
        {".wasm", "application/wasm"},
        {".woff2", "font/woff2"},
    }};
    const std::string extension = path.extension().string();
    for (const auto& [known, type] : kTypes) {
        if (known == extension) {
            return type;
        }
    }
    return "application/octet-stream";
}

std::string etag_of(const std::string& body) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(body.data(), body.size(), digest.data(), &size, EVP_sha256(), nullptr);
    std::string text = "\"";
    for (std::size_t i = 0; i < 16; ++i) {
        text += fmt::format("{:02x}", digest.at(i));
    }
    return text + '"';
}

// RFC 9110 section 13.1.2: a list of tags, or a star.
bool matches(std::string_view if_none_match, std::string_view etag) {
    return if_none_match == "*" || if_none_match.contains(etag);
}

}  // namespace

Result<StaticFiles> StaticFiles::load(const fs::path& directory, std::string_view mount) {
    StaticFiles files;
    std::error_code error;
    std::size_t bytes = 0;
    for (auto entry = fs::recursive_directory_iterator(directory, error);
         !error && entry != fs::recursive_directory_iterator();
         entry.increment(error)) {
        const fs::path& path = entry->path();
        if (path.filename().string().starts_with('.') || path.filename() == "node_modules" ||
            entry->is_symlink()) {
            entry.disable_recursion_pending();
            continue;
        }
        if (!entry->is_regular_file()) {
            continue;
        }
        std::error_code size_error;
        bytes += entry->file_size(size_error);
        if (bytes > kStaticBytesMax || files.files_.size() >= kStaticFilesMax) {
            return make_error(ErrorCode::kLimitExceeded,
                              fmt::format("{} holds too much to serve; is it the right folder?",
                                          directory.string()));
        }
        std::ifstream in(path, std::ios::binary);
        File file;
        file.body.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
        file.type = type_of(path);
        file.etag = etag_of(file.body);
        const std::string name =
            std::string(mount) + path.lexically_relative(directory).generic_string();
        if (path.filename() == "index.html") {
            files.files_.emplace(
                name.substr(0, name.size() - std::string_view("index.html").size()), file);
        }
        files.files_.emplace(name, std::move(file));
    }
    if (const auto index = files.files_.find(mount); index != files.files_.end()) {
        const File top = index->second;
        files.files_.emplace("/", top);
        files.files_.emplace(mount.substr(0, mount.size() - 1), top);
    }
    if (error) {
        return make_error(
            ErrorCode::kNotFound,
            fmt::format("cannot read the pages in {}: {}", directory.string(), error.message()));
    }
    return files;
}

void StaticFiles::add_page(Router& router, std::string_view pattern) const {
    router.add("GET", pattern, [this](const Request& request, Responder respond) {
        Request topmost = request;
        topmost.path = "/";
        respond(answer(topmost));
    });
}

void StaticFiles::add_routes(Router& router) const {
    router.add("GET", "/*", [this](const Request& request, Responder respond) {
        respond(answer(request));
    });
}

Response StaticFiles::answer(const Request& request) const {
    const auto found = files_.find(request.path);
    if (found == files_.end()) {
        return Response::problem(404, "There is no such page.");
    }
    const File& file = found->second;
    Response response;
    response.headers = {
        {"ETag", file.etag},
        {"Cache-Control", "no-cache"},
        {"Content-Security-Policy", std::string(kContentSecurityPolicy)},
        {"Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self)"},
        {"Referrer-Policy", "no-referrer"}};
    if (matches(request.header("If-None-Match"), file.etag)) {
        response.status = 304;
        return response;
    }
    response.headers.emplace("Content-Type", file.type);
    response.body = file.body;
    return response;
}

}  // namespace isthmus::http
