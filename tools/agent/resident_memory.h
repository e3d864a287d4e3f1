// Lets go of memory that only the start or a connection's beginning needed.
#pragma once

namespace isthmus::agent {

// Code that runs once (reading configuration, handshakes, certificates) stays mapped with the
// program for ever; the kernel takes it back only when it is short of memory. What is needed again
// is mapped again from the page cache, without reading the disk as long as it is there.
void release_unused_memory();

}  // namespace isthmus::agent
