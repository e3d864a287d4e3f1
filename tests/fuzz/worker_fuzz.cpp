// A worker's core under a publisher and a viewer that are authentic and send anything at all: plain
// RTP and RTCP of any content through their SRTP, raw datagrams, repetitions, and sessions that
// end, begin, and change their sections in between.
//
// Input: records of a head of two bytes big-endian, and bytes. Head: 4 bits of operation, 1 bit
// that delivers what waits in one batch afterwards, 11 bits of length, or of a parameter for
// operations without bytes. What must hold is in meeting_under_test.h.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/byte_order.h"
#include "tests/fuzz/meeting_under_test.h"

namespace isthmus::media {
namespace {

using Person = MeetingUnderTest::Person;

// As the corpus has them: their numbers stay.
enum class Operation : std::uint8_t {
    kPublisherRtp = 0,
    kPublisherRtcp = 1,
    kViewerRtp = 2,
    kViewerRtcp = 3,
    kPublisherRaw = 4,
    kViewerRaw = 5,
    kStrangerRaw = 6,
    // Without bytes. Odd parameters mean the viewer, where it is about one of the two.
    kPassTime = 7,  // 5 ms each
    kRejoin = 8,
    kRestartIce = 9,
    kCloseNotify = 10,
    kClosePath = 11,
    kRemove = 12,
    kDescribe = 13,  // 0 describes; anything else renegotiates, as MeetingUnderTest says
    kPublisherAgain = 14,
    kViewerAgain = 15,
};

void act(MeetingUnderTest& meeting, Operation operation, std::uint16_t parameter) {
    const Person person = (parameter & 1U) != 0 ? Person::kViewer : Person::kPublisher;
    switch (operation) {
        case Operation::kPassTime:
            return meeting.pass_time(parameter * std::chrono::milliseconds(5));
        case Operation::kRejoin:
            return meeting.rejoin(person, (parameter & 2U) != 0);
        case Operation::kRestartIce:
            return meeting.restart_ice(person);
        case Operation::kCloseNotify:
            return meeting.close_notify(person);
        case Operation::kClosePath:
            return meeting.close_path(person);
        case Operation::kRemove:
            return meeting.remove(person);
        case Operation::kPublisherAgain:
            return meeting.send_again(Person::kPublisher, parameter);
        case Operation::kViewerAgain:
            return meeting.send_again(Person::kViewer, parameter);
        default:
            return parameter == 0 ? meeting.describe() : meeting.renegotiate(person, parameter);
    }
}

void send(MeetingUnderTest& meeting, Operation operation, std::span<const std::byte> bytes) {
    switch (operation) {
        case Operation::kPublisherRtp:
            return meeting.send_rtp(Person::kPublisher, bytes);
        case Operation::kPublisherRtcp:
            return meeting.send_rtcp(Person::kPublisher, bytes);
        case Operation::kViewerRtp:
            return meeting.send_rtp(Person::kViewer, bytes);
        case Operation::kViewerRtcp:
            return meeting.send_rtcp(Person::kViewer, bytes);
        case Operation::kPublisherRaw:
            return meeting.send_raw(Person::kPublisher, bytes);
        case Operation::kViewerRaw:
            return meeting.send_raw(Person::kViewer, bytes);
        default:
            return meeting.send_from_stranger(bytes);
    }
}

void run(std::span<const std::byte> input) {
    MeetingUnderTest meeting;
    while (input.size() >= 2) {
        const std::uint16_t head = load_be16(input.data());
        const auto operation = static_cast<Operation>(head >> 12U);
        const auto length = static_cast<std::uint16_t>(head & 0x07ffU);
        input = input.subspan(2);
        if (operation < Operation::kPassTime) {
            const std::size_t bytes = std::min<std::size_t>(length, input.size());
            send(meeting, operation, input.first(bytes));
            input = input.subspan(bytes);
        } else {
            act(meeting, operation, length);
        }
        if ((head & 0x0800U) != 0) {
            meeting.deliver();
        }
    }
    meeting.describe();
    meeting.pass_time(std::chrono::seconds(2));
}

}  // namespace
}  // namespace isthmus::media

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    isthmus::media::run(std::as_bytes(std::span(data, size)));
    return 0;
}
