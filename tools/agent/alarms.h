// What is wrong with this node right now. Each alarm has a name of ours and is told twice: as an
// event when it comes and goes, and in every heartbeat while it lasts.
//
// Sans-I/O; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace isthmus::agent {

enum class Severity : std::uint8_t { kCritical, kError, kWarning, kAlert };

[[nodiscard]] std::string_view to_string(Severity severity);

struct Alarm {
    Severity severity = Severity::kWarning;
    std::string title;
    std::string description;  // what is the case
    std::string solution;     // what to do

    friend bool operator==(const Alarm&, const Alarm&) = default;
};

class Alarms {
  public:
    // Hears "alarm.raised" and "alarm.cleared" with their bodies.
    using Events = std::function<void(std::string_view kind, boost::json::object body)>;

    explicit Alarms(Events events) : events_(std::move(events)) {}

    // A second call with other words changes them without another event.
    void raise(std::int64_t now_unix_ms, std::string_view id, Alarm alarm);
    void clear(std::int64_t now_unix_ms, std::string_view id);
    void set(std::int64_t now_unix_ms, std::string_view id, bool wrong, Alarm alarm);

    [[nodiscard]] bool has(std::string_view id) const { return alarms_.contains(id); }

    // [{"id","severity","title","description","solution","since_ms"}]
    [[nodiscard]] boost::json::array list() const;

  private:
    struct Raised {
        Alarm alarm;
        std::int64_t since_ms = 0;
    };

    Events events_;
    std::map<std::string, Raised, std::less<>> alarms_;
};

}  // namespace isthmus::agent
