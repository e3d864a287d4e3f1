#include "tools/node/maintenance_service.h"

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "base/log.h"
#include "signaling/api/maintenance_api.h"

namespace isthmus::node {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace api = signaling::api;
namespace maintenance = signaling::maintenance;

Instant steady_now() {
    return Instant(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

std::int64_t unix_s() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

struct MaintenanceService::State {
    State(asio::io_context& io,
          const std::string& state_directory,
          media::Switchboard& board,
          signaling::livekit::Rooms& all_rooms)
        : file(fs::path(state_directory) / "maintenance"),
          switchboard(&board),
          rooms(&all_rooms),
          timer(io),
          mode({.admit_conferences = [this](bool admit) { switchboard->admit_conferences(admit); },
                .conferences = [this] { return switchboard->conference_count(); },
                .end_conferences = [this] { end_conferences(); },
                .remember = [this](bool on) { remember(on); }}) {}

    void switch_to(const api::MaintenanceChange& change) {
        if (change.on) {
            mode.switch_on(steady_now(), change.deadline);
        } else {
            mode.switch_off();
        }
        log::info("node", "maintenance is {}", maintenance::to_string(mode.mode()));
        arm();
    }

    void update() {
        const maintenance::Mode before = mode.mode();
        mode.update(steady_now());
        if (mode.mode() != before) {
            log::info("node", "maintenance is {}", maintenance::to_string(mode.mode()));
        }
        arm();
    }

    void arm() {
        if (mode.next_timeout() == armed) {
            return;
        }
        armed = mode.next_timeout();
        timer.cancel();
        if (armed == kNever) {
            return;
        }
        timer.expires_after(armed - steady_now());
        timer.async_wait([this](const boost::system::error_code& error) {
            if (!error) {
                armed = kNever;
                update();
            }
        });
    }

    // Rooms tell LiveKit's clients why; what is left after that is whatever no room knows of.
    void end_conferences() {
        log::warning("node",
                     "the deadline of the maintenance has come: ending {} conferences",
                     switchboard->conference_count());
        rooms->end_all();
        switchboard->list_conferences(
            false, [this](const Result<std::vector<media::sfu::ConferenceInfo>>& all) {
                if (!all) {
                    return;  // it is tried again
                }
                for (const media::sfu::ConferenceInfo& conference : *all) {
                    switchboard->end_conference(conference.name, [](const Result<void>&) {});
                }
            });
    }

    void remember(bool on) const {
        std::error_code failure;
        if (!on) {
            fs::remove(file, failure);
        } else {
            std::ofstream out(file);
            out << "Remove this file, and the node begins conferences after its next start.\n";
            out.close();
            failure = out ? std::error_code() : std::make_error_code(std::errc::io_error);
        }
        if (failure) {
            log::error("node",
                       "{} cannot be changed, so the maintenance mode holds until the next start "
                       "only: {}",
                       file.string(),
                       failure.message());
        }
    }

    [[nodiscard]] api::MaintenanceReport report() const {
        api::MaintenanceReport report{.mode = std::string(maintenance::to_string(mode.mode())),
                                      .conferences = switchboard->conference_count(),
                                      .participants = rooms->stats().participants,
                                      .ends_at_unix_s = std::nullopt};
        if (const auto deadline = mode.deadline()) {
            report.ends_at_unix_s =
                unix_s() +
                std::chrono::duration_cast<std::chrono::seconds>(*deadline - steady_now()).count();
        }
        return report;
    }

    fs::path file;
    media::Switchboard* switchboard;
    signaling::livekit::Rooms* rooms;
    asio::steady_timer timer;
    maintenance::Maintenance mode;
    Instant armed = kNever;
};

MaintenanceService::MaintenanceService(asio::io_context& io,
                                       const std::string& state_directory,
                                       media::Switchboard& switchboard,
                                       signaling::livekit::Rooms& rooms)
    : state_(std::make_unique<State>(io, state_directory, switchboard, rooms)) {
    std::error_code ignored;
    if (fs::exists(state_->file, ignored)) {
        log::warning("node", "maintenance goes on, as before this start");
        state_->switch_to({.on = true, .deadline = std::nullopt});
    }
}

MaintenanceService::~MaintenanceService() = default;

void MaintenanceService::add_routes(http::Router& router, const signaling::access::ApiKeys& keys) {
    api::add_maintenance_routes(
        router,
        {.keys = keys,
         .now_unix_s = unix_s,
         .report = [this] { return state_->report(); },
         .change = [this](const api::MaintenanceChange& change) { state_->switch_to(change); }});
}

void MaintenanceService::on_connection_gone() {
    state_->update();
}

maintenance::Mode MaintenanceService::mode() const {
    return state_->mode.mode();
}

std::uint64_t MaintenanceService::conferences_ended() const {
    return state_->mode.conferences_ended();
}

}  // namespace isthmus::node
