// usrsctp as the process has it: one, with global state, used from one thread, without raw sockets
// or kernel routes.
//
// Each association is a usrsctp socket whose address (AF_CONN) is a small number that leads back to
// its SctpSocket. Numbers are used again, which nobody notices: usrsctp calls back only within a
// call, and not for a socket that is closed. They stay registered with usrsctp, which would
// otherwise take them out of its tables on a thread of its own.
//
// Only one may exist at a time. usrsctp itself stays initialised until the process ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace isthmus::media::data {

class SctpSocket;

class SctpLibrary {
  public:
    SctpLibrary();
    ~SctpLibrary();
    SctpLibrary(const SctpLibrary&) = delete;
    SctpLibrary& operator=(const SctpLibrary&) = delete;

    // The number under which usrsctp knows `socket` from now on: from 0 up, the smallest free one.
    [[nodiscard]] std::uint32_t attach(SctpSocket& socket);
    void detach(std::uint32_t number);

    // Runs the timers that are due. They may lead to output for any socket.
    void pass_time(std::uint32_t milliseconds);

    // Numbers of sockets that something came out of, each once. Clears the list.
    [[nodiscard]] std::vector<std::uint32_t> take_touched();

    // What usrsctp knows a number as.
    [[nodiscard]] static void* address_of(std::uint32_t number);

  private:
    static int on_output(
        void* address, void* buffer, std::size_t length, std::uint8_t tos, std::uint8_t set_df);
    static void start_once();

    friend class SctpSocket;
    // The socket behind `address`, marked as touched; null for a stranger.
    [[nodiscard]] static SctpSocket* touch(void* address);

    std::vector<SctpSocket*> sockets_;
    std::vector<std::uint32_t> free_;
    std::vector<std::uint32_t> touched_;
};

}  // namespace isthmus::media::data
