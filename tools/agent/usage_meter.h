// What meetings use of the node: looks at its conferences now and then and makes records of them.
//
// A record is an event of kind "usage": of each conference when it has ended, and of one that goes
// on every fifteen minutes, so that an agent that dies loses no more than that. Each names the time
// that it is about; those of one conference add up.
//
//     {"conference","conference_id","from_ms","to_ms","participants_most","participant_seconds",
//      "ended"}
//
// No input or output here.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace isthmus::agent {

class UsageMeter {
  public:
    // `answer` is the node's list of conferences; what is no such list counts as not looked.
    // Between two looks the number of participants is taken to be the mean of both.
    [[nodiscard]] std::vector<boost::json::object> look(std::int64_t now_ms,
                                                        const boost::json::value& answer);

    // Conferences that go on. While there are none, nobody needs to look.
    [[nodiscard]] std::size_t open() const { return open_.size(); }

  private:
    struct Usage {
        std::string conference;  // its name
        std::int64_t from_ms = 0;
        std::int64_t seen_ms = 0;
        std::int64_t participants = 0;  // when it was seen
        std::int64_t participants_most = 0;
        double participant_ms = 0;
    };

    static void count(Usage& usage, std::int64_t now_ms, std::int64_t participants);
    [[nodiscard]] static boost::json::object record(const std::string& id,
                                                    const Usage& usage,
                                                    bool ended);

    std::unordered_map<std::string, Usage> open_;  // by the conference's id
};

}  // namespace isthmus::agent
