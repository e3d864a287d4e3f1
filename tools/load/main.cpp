// isthmus-load: a load generator of real WebRTC participants.

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "base/log.h"
#include "tools/load/command_line.h"
#include "tools/load/html_report.h"
#include "tools/load/json_report.h"
#include "tools/load/load_run.h"
#include "tools/load/recordings.h"
#include "tools/load/text_report.h"

namespace isthmus::load {
namespace {

constexpr int kExitFailed = 1;
// The run went through, and its figures do not count.
constexpr int kExitInvalid = 3;

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): for a signal handler
std::atomic<bool> interrupted_by_signal{false};

void on_signal(int /*signal*/) {
    // A second one ends the program at once.
    if (interrupted_by_signal.exchange(true)) {
        std::_Exit(kExitFailed);
    }
}

bool write_file(const std::string& path, const std::string& text) {
    if (path.empty()) {
        return true;
    }
    std::ofstream file(path, std::ios::trunc | std::ios::binary);
    file << text;
    file.close();
    if (!file) {
        std::fprintf(stderr, "isthmus-load: %s cannot be written\n", path.c_str());
    }
    return static_cast<bool>(file);
}

int run(const LoadOptions& options) {
    log::configure({.level = log::Level::kWarning});
    auto recordings = make_recordings(options);
    if (!recordings) {
        std::fprintf(stderr, "isthmus-load: %s\n", recordings.error().message.c_str());
        return kExitFailed;
    }
    LoadRun load(
        options,
        std::move(*recordings),
        [quiet = options.quiet](const std::string& line) {
            if (!quiet) {
                std::fprintf(stderr, "%s\n", line.c_str());
            }
        },
        [] { return interrupted_by_signal.load(); });
    const auto report = load.run();
    if (!report) {
        std::fprintf(stderr, "isthmus-load: %s\n", report.error().message.c_str());
        return kExitFailed;
    }
    const std::string text = write_text_report(*report);
    std::fputs(text.c_str(), stdout);
    const bool written = write_file(options.report_text, text) &&
                         write_file(options.report_json, write_json_report(*report)) &&
                         write_file(options.report_html, write_html_report(*report));
    if (!written) {
        return kExitFailed;
    }
    return report->invalid.empty() ? EXIT_SUCCESS : kExitInvalid;
}

}  // namespace
}  // namespace isthmus::load

int main(int argc, char** argv) {
    const auto parsed = isthmus::load::parse_command_line(argc, argv);
    if (!parsed.options) {
        return parsed.status;
    }
    // OpenSSL writes to sockets without MSG_NOSIGNAL.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGINT, isthmus::load::on_signal);
    std::signal(SIGTERM, isthmus::load::on_signal);
    return isthmus::load::run(*parsed.options);
}
