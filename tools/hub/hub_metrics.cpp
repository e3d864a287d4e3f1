#include "tools/hub/hub_metrics.h"

#include "base/metrics.h"

namespace isthmus::hub {

namespace {

void write_counter(MetricsWriter& out,
                   std::string_view name,
                   std::string_view help,
                   std::uint64_t value) {
    out.counter(name, help);
    out.sample(value);
}

void write_bus(MetricsWriter& out, const HubFigures& figures) {
    const BusFigures& bus = figures.bus;
    out.gauge("isthmus_hub_nats_connected", "1 while there is a connection to a NATS server.");
    out.sample(std::uint64_t{bus.connected ? 1U : 0U});
    write_counter(out,
                  "isthmus_hub_nats_published_total",
                  "Hints that were given to NATS for other instances.",
                  bus.published);
    write_counter(out,
                  "isthmus_hub_nats_received_total",
                  "Messages that came from other instances.",
                  bus.received);
    write_counter(out,
                  "isthmus_hub_nats_refused_total",
                  "Messages that came and were no hints of an instance.",
                  figures.bus_refused);
    write_counter(
        out,
        "isthmus_hub_nats_dropped_total",
        "Hints not sent while NATS was away, and messages that came faster than they were read.",
        bus.dropped);
    write_counter(out,
                  "isthmus_hub_nats_reconnects_total",
                  "Times a connection to NATS was found again.",
                  bus.reconnects);
}

void write_sign_ins(MetricsWriter& out, const OidcCounters& sign_ins) {
    write_counter(out,
                  "isthmus_hub_oidc_sign_ins_begun_total",
                  "Sign-ins through identity providers that were begun.",
                  sign_ins.begun);
    write_counter(out,
                  "isthmus_hub_oidc_sign_ins_total",
                  "Sign-ins through identity providers that ended in a session.",
                  sign_ins.signed_in);
    write_counter(out,
                  "isthmus_hub_oidc_sign_ins_refused_total",
                  "Sign-ins that a provider, a check or the mapping refused.",
                  sign_ins.refused);
    write_counter(out,
                  "isthmus_hub_oidc_fetches_total",
                  "Times a provider's document or keys were fetched.",
                  sign_ins.fetches);
    write_counter(out,
                  "isthmus_hub_oidc_fetches_failed_total",
                  "Of these, those in vain.",
                  sign_ins.fetches_failed);
}

}  // namespace

std::string hub_metrics(const HubFigures& figures) {
    MetricsWriter out;
    const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
        write_counter(out, name, help, value);
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
    write_sign_ins(out, figures.oidc);
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
    counter("isthmus_hub_database_repeats_total",
            "Transactions run again because two instances waited for each other.",
            figures.database.repeats);
    counter("isthmus_hub_database_reconnects_total",
            "Times the connection to the database was lost.",
            figures.database.reconnects);
    write_bus(out, figures);
    gauge("isthmus_hub_http_connections", "Open connections.", figures.server.connections_open);
    counter("isthmus_hub_http_connections_refused_total",
            "Connections over a limit.",
            figures.server.connections_refused);
    return out.text();
}

}  // namespace isthmus::hub
