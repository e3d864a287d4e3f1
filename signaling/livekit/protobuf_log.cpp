#include "signaling/livekit/protobuf_log.h"

#include <google/protobuf/stubs/logging.h>

namespace isthmus::signaling::livekit {

void silence_protobuf_log() {
    google::protobuf::SetLogHandler(nullptr);
}

}  // namespace isthmus::signaling::livekit
