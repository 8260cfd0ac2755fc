// A hint to the host's caches, which Swift has no word for. It changes no value.

/// Asks for the cache line at `address`, which is about to be read.
static inline __attribute__((always_inline)) void prefetch_to_read(const void *address) {
  __builtin_prefetch(address, 0, 3);
}
