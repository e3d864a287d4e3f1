#include "tools/hub/hub_metrics.h"

#include "base/metrics.h"

namespace isthmus::hub {

std::string hub_metrics(const HubFigures& figures) {
    MetricsWriter out;
    const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
        out.counter(name, help);
        out.sample(value);
    };
    const auto gauge = [&](std::string_view name, std::string_view help, std::uint64_t value) {
        out.gauge(name, help);
        out.sample(value);
    };
    const ChannelCounters& channels = figures.channels;
    gauge("isthmus_hub_nodes_connected", "Nodes with a channel to this hub.", channels.connected);
    gauge("isthmus_hub_channels_unproven",
          "Connections that have not proven a node yet.",
          channels.unproven);
    counter("isthmus_hub_channels_opened_total", "Channels that were begun.", channels.opened);
    counter("isthmus_hub_channels_established_total",
            "Channels whose node proved itself.",
            channels.established);
    counter("isthmus_hub_channels_refused_total", "Channels refused.", channels.refused);
    counter("isthmus_hub_channel_alarms_total",
            "Channels ended because somebody forged, changed or repeated.",
            channels.alarms);
    counter("isthmus_hub_channels_timed_out_total",
            "Channels ended because nothing came.",
            channels.timed_out);
    counter("isthmus_hub_heartbeats_total", "Heartbeats of nodes.", channels.heartbeats);
    counter("isthmus_hub_reports_written_total",
            "Heartbeats that said something new and were written.",
            channels.reports_written);
    counter("isthmus_hub_events_total", "Events that nodes sent.", channels.events);
    counter("isthmus_hub_events_dropped_total",
            "Events of too many that were dropped before their time.",
            figures.events_dropped);
    counter("isthmus_hub_commands_sent_total", "Commands sent to nodes.", channels.commands_sent);
    counter("isthmus_hub_connector_calls_total", "Calls of connectors.", channels.connector_calls);
    counter("isthmus_hub_api_calls_total", "Calls of the API.", figures.api.calls);
    counter("isthmus_hub_api_calls_failed_total",
            "Calls of the API that were refused or failed.",
            figures.api.calls_failed);
    gauge("isthmus_hub_database_jobs_waiting",
          "Jobs that wait for the database.",
          figures.database.waiting);
    counter("isthmus_hub_database_jobs_total", "Jobs of the database.", figures.database.jobs);
    counter("isthmus_hub_database_jobs_failed_total",
            "Jobs of the database that were undone.",
            figures.database.jobs_failed);
    counter("isthmus_hub_database_commits_total",
            "Transactions, each of which may carry many jobs.",
            figures.database.commits);
    counter("isthmus_hub_database_reconnects_total",
            "Times the connection to the database was lost.",
            figures.database.reconnects);
    gauge("isthmus_hub_http_connections", "Open connections.", figures.server.connections_open);
    counter("isthmus_hub_http_connections_refused_total",
            "Connections over a limit.",
            figures.server.connections_refused);
    return out.text();
}

}  // namespace isthmus::hub
