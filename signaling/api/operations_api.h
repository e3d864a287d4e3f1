// The operations API: health, metrics, and what goes on in the conferences. docs/openapi.yaml is
// its specification, and a test compares the routes.
//
// Translates between HTTP and the Switchboard and holds no state but whether the node is ready.
// Signaling thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/http/message.h"
#include "base/http/server.h"
#include "media/worker/switchboard.h"
#include "signaling/access/token.h"
#include "signaling/api/metrics_page.h"

namespace isthmus::signaling::api {

struct OperationsApiConfig {
    access::ApiKeys keys;
    bool metrics_require_key = true;
    std::string version;
};

// The outside world, so that tests can stand in for it.
struct OperationsApiSources {
    std::function<std::int64_t()> now_unix_s;
    std::function<http::ServerCounters()> http_counters;
    std::function<SignalingStats()> signaling_stats;
    std::function<media::DataStats()> data_stats;  // empty: none are told
    std::function<ProcessStats()> process_stats;
    // The node begins no conferences; absent: it does.
    std::function<bool()> in_maintenance = {};
};

class OperationsApi {
  public:
    // `switchboard` outlives this.
    OperationsApi(OperationsApiConfig config,
                  OperationsApiSources sources,
                  media::Switchboard& switchboard);
    OperationsApi(const OperationsApi&) = delete;
    OperationsApi& operator=(const OperationsApi&) = delete;

    // The routes refer to this, which outlives the router's use.
    void add_routes(http::Router& router);

    // Whether /readyz says that new participants may come: true once the node serves, false again
    // while it shuts down.
    void set_ready(bool ready) { ready_ = ready; }

  private:
    void ready(const http::Request& request, http::Responder respond) const;
    void metrics(const http::Request& request, http::Responder respond) const;
    void version(const http::Request& request, http::Responder respond) const;
    void list(const http::Request& request, http::Responder respond) const;
    void read(const http::Request& request,
              http::Responder respond,
              std::string (*write)(const media::sfu::ConferenceInfo&)) const;
    void list_for_viewers(const http::Request& request, http::Responder respond) const;
    void remove_participant(const http::Request& request, http::Responder respond) const;
    void end_conference(const http::Request& request, http::Responder respond) const;

    OperationsApiConfig config_;
    OperationsApiSources sources_;
    media::Switchboard* switchboard_;
    bool ready_ = false;
};

}  // namespace isthmus::signaling::api
