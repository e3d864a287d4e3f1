// Web pages from a directory, held in memory.
//
// Everything is read when the object is made and nothing is opened for a request: a path in a
// request can only name what was found then. Symbolic links and names that begin with a dot are
// left out. "index.html" also answers for its directory, and the topmost one for "/".
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/http/message.h"

namespace isthmus::http {

class StaticFiles {
  public:
    // `mount` is the path that stands for the directory: "/assets/".
    // kNotFound where there is no such directory, kLimitExceeded where it holds more than
    // kStaticBytesMax or kStaticFilesMax.
    [[nodiscard]] static Result<StaticFiles> load(const std::filesystem::path& directory,
                                                  std::string_view mount);

    // The topmost index.html at `pattern` too: "/meet/{conference}". Outlives the router's use.
    void add_page(Router& router, std::string_view pattern) const;

    // GET for everything that no other route has. Add it last; outlives the router's use.
    void add_routes(Router& router) const;

    [[nodiscard]] Response answer(const Request& request) const;

    [[nodiscard]] std::size_t size() const { return files_.size(); }

  private:
    struct File {
        std::string body;
        std::string type;
        std::string etag;
    };

    std::map<std::string, File, std::less<>> files_;  // by path, from "/"
};

inline constexpr std::size_t kStaticBytesMax = 32UL * 1024 * 1024;
inline constexpr std::size_t kStaticFilesMax = 1000;

}  // namespace isthmus::http
