// protobuf writes a line to standard error for each malformed message: anybody who may send
// messages could fill the log. What is malformed is counted where it is refused.
#pragma once

namespace isthmus::signaling::livekit {

// Call before messages come; any number of times.
void silence_protobuf_log();

}  // namespace isthmus::signaling::livekit
